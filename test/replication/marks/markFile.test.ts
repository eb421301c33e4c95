/** The marks file: whatever a power cut or a damaged block leaves, nothing that was durable is forgotten. */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import type { Entry } from "../../../core/replication/marks/entries.ts";
import { applyEntry } from "../../../core/replication/marks/entries.ts";
import { MarkFile } from "../../../core/replication/marks/markFile.ts";
import { MarkSet } from "../../../core/replication/marks/markSet.ts";
import { makeTestFolder } from "../../folder.ts";

const block = 4096;

interface Write {
	offset: number;
	bytes: Buffer;
}

/** A file whose writes are kept, so that a test can leave out or tear the last of them. */
class Recorded {
	readonly path: string;
	readonly fd: number;
	readonly writes: Write[] = [];
	/** The file before the first recorded write. */
	before: Buffer = Buffer.alloc(0);

	constructor(t: { teardown(fn: () => void): void }) {
		const folder = makeTestFolder("marks");
		t.teardown(() => rmSync(folder, { recursive: true, force: true }));
		this.path = join(folder, "marks");
		this.fd = openSync(folder, "r");
	}

	open(): MarkFile {
		return new MarkFile(system, this.fd, "marks", (_fd, bytes, offset, done) => {
			this.writes.push({ offset, bytes: Buffer.from(bytes) });
			const fd = openSync(this.path, "r+");
			writeSync(fd, bytes, 0, bytes.length, offset);
			closeSync(fd);
			done(0);
		});
	}

	record(): void {
		this.before = readFileSync(this.path);
		this.writes.length = 0;
	}

	/** The file after `count` whole writes, and of the next one only the blocks that `keep` names. */
	cut(count: number, keep: (block: number) => "new" | "old" | "torn"): Buffer {
		const file = Buffer.from(this.before);
		for (const { offset, bytes } of this.writes.slice(0, count)) bytes.copy(file, offset);
		const next = this.writes[count];
		for (let at = 0; next !== undefined && at < next.bytes.length; at += block) {
			const how = keep(at / block);
			if (how === "new") next.bytes.copy(file, next.offset + at, at, at + block);
			if (how === "torn") next.bytes.copy(file, next.offset + at, at, at + 700);
		}
		return file;
	}
}

const mark = (file: number): Entry[] => [
	{ is: "file", file: BigInt(file), hint: 7n, state: "attributes" },
	{ is: "group", file: BigInt(file), group: file, lo: file, hi: -file },
];

function read(file: MarkFile): string[] | null {
	if (file.loaded === null) return null;
	const set = new MarkSet();
	for (const entry of file.loaded) applyEntry(set, entry);
	return [...set.files.keys()].map(String).sort();
}

const must = (result: number): void => {
	if (result < 0) throw new Error(`write: ${result}`);
};

test("what was written is read back; a fresh file says nothing, which is not the same as no marks", (t) => {
	const disk = new Recorded(t);
	const first = disk.open();
	t.true(first.fresh);
	t.is(first.loaded, null);
	first.replace([], must);
	t.deepEqual(disk.open().loaded, []);
	const entries: Entry[] = [
		{ is: "clock", ns: 123_456_789_012_345_678n, away: true },
		{ is: "everything", yes: false },
		{ is: "file", file: 0xffff_ffff_ffff_ffffn, hint: 2n, state: "whole" },
		{ is: "group", file: 5n, group: 4_000_000, lo: -1, hi: 1 << 31 },
		{ is: "directory", directory: 9n, since: "12.1.1760000000000001", subtree: false, gone: false },
		{ is: "directory", directory: 10n, since: null, subtree: false, gone: false },
		{ is: "directory", directory: 11n, since: null, subtree: false, gone: true },
	];
	const second = disk.open();
	second.replace(entries, must);
	t.true(second.fits(mark(1)));
	second.append(mark(1), must);
	t.deepEqual(disk.open().loaded, [...entries, ...mark(1)]);
});

test("a power cut in any write, torn or lost block by block: all that was durable before is there", (t) => {
	const disk = new Recorded(t);
	const file = disk.open();
	file.replace(mark(1), must);
	file.append(mark(2), must);
	disk.record();
	file.append(mark(3), must);
	// Several blocks at once.
	file.append(Array.from({ length: 600 }, (_, n) => mark(1000 + n)).flat(), must);
	file.append(mark(4), must);
	file.replace([...mark(1), ...mark(2), ...mark(3), ...mark(4)], must);
	file.append(mark(5), must);
	const writes = disk.writes.length;
	for (let count = 0; count <= writes; count++) {
		for (const damage of ["lost", "torn", "first", "last", "tornFirst", "odd"] as const) {
			const blocks = (disk.writes[count]?.bytes.length ?? 0) / block;
			const bytes = disk.cut(count, (index) => {
				if (damage === "lost") return "old";
				if (damage === "torn") return "torn";
				if (damage === "first") return index === 0 && blocks > 1 ? "new" : "old";
				if (damage === "tornFirst") return index === 0 ? "torn" : "new";
				if (damage === "odd") return index % 2 === 1 ? "new" : "torn";
				return index === blocks - 1 ? "new" : "old";
			});
			writeFileSync(disk.path, bytes);
			const found = read(disk.open());
			const durable = [
				"1",
				"2",
				...(count >= 1 ? ["3"] : []),
				...(count >= 3 ? ["4"] : []),
				...(count >= writes ? ["5"] : []),
			];
			t.not(found, null, `${damage} after ${count} writes is only an unfinished last write`);
			for (const name of durable) t.true(found?.includes(name), `${name}: ${damage} after ${count} writes`);
		}
	}
});

test("after a cut the next process writes on, and what the cut left behind does not come back", (t) => {
	const disk = new Recorded(t);
	const file = disk.open();
	file.replace(mark(1), must);
	disk.record();
	const many = Array.from({ length: 600 }, (_, n) => mark(1000 + n)).flat();
	file.append([...many, { is: "file", file: 1n, hint: 0n, state: "gone" }], must);
	// The last block, which takes mark 1 away, is there; the first one is not.
	writeFileSync(
		disk.path,
		disk.cut(0, (index) => (index === 0 ? "old" : "new")),
	);
	const next = disk.open();
	t.deepEqual(read(next), ["1"]);
	next.replace(mark(1), must);
	for (let n = 2; n < 20; n++) next.append(mark(n), must);
	t.deepEqual(read(disk.open())!.length, 19);
});

test("any block that was durable and cannot be read, or was lost, means everything", (t) => {
	const disk = new Recorded(t);
	const file = disk.open();
	file.replace(mark(1), must);
	for (let n = 2; n < 6; n++) file.append(mark(n), must);
	const whole = readFileSync(disk.path);
	const used = Array.from({ length: whole.length / block }, (_, n) => n).filter((n) =>
		whole.subarray(n * block, (n + 1) * block).some((byte) => byte !== 0),
	);
	// The retired head of the other area is of no use any more, and the last block may be an unfinished one.
	const needed = used.filter((n) => n >= 512).slice(0, -1);
	t.is(needed.length, 5);
	for (const at of needed) {
		for (const spoil of ["flip", "lost", "torn"] as const) {
			const bytes = Buffer.from(whole);
			if (spoil === "flip") bytes[at * block + 21]! ^= 4;
			if (spoil === "lost") bytes.fill(0, at * block, (at + 1) * block);
			if (spoil === "torn") bytes.fill(0x5a, at * block + 512, (at + 1) * block);
			writeFileSync(disk.path, bytes);
			t.is(read(disk.open()), null, `block ${at} ${spoil}`);
		}
	}
	// Both heads.
	const bytes = Buffer.from(whole);
	bytes[10] = 1;
	bytes[512 * block + 10] = 1;
	writeFileSync(disk.path, bytes);
	const damaged = disk.open();
	t.is(damaged.loaded, null);
	t.false(damaged.fresh);
	damaged.replace(mark(9), must);
	t.deepEqual(read(disk.open()), ["9"], "and it is written anew");
});

test("the area is rewritten when it is half full, for ever", (t) => {
	const disk = new Recorded(t);
	const file = disk.open();
	file.replace([], must);
	let replaced = 0;
	for (let n = 0; n < 700; n++) {
		if (file.wantsAll || !file.fits(mark(1))) {
			file.replace(mark(1), must);
			replaced++;
		} else file.append(mark(1), must);
	}
	t.true(replaced >= 2 && replaced <= 3, `${replaced}`);
	t.deepEqual(read(disk.open()), ["1"]);
	t.is(readFileSync(disk.path).length, 4 << 20);
});
