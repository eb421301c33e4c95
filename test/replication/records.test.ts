/** Durable records: what a power cut may leave of a write, and what is read afterwards. */
import { openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem } from "../../core/platform/linux/libc.ts";
import { blockBytes, decodeBlock, encodeBlock } from "../../core/replication/records/block.ts";
import { Records, sharedEpoch } from "../../core/replication/records/node.ts";
import { RecordFile } from "../../core/replication/records/store.ts";
import { makeTestFolder } from "../folder.ts";

function folder(t: { teardown(fn: () => void): void }): { path: string; fd: number } {
	const path = makeTestFolder("records");
	t.teardown(() => rmSync(path, { recursive: true, force: true }));
	return { path, fd: openSync(path, "r") };
}

test("a record is read back by the next process", (t) => {
	const { path, fd } = folder(t);
	const first = new Records(new RecordFile(linuxSystem, fd, "node"));
	t.deepEqual(first.shown.seal, { term: 0, seq: 0 });
	t.is(first.shown.epoch, null);
	first.change({ term: 7, seal: "open", role: { was: "primary", sinceTerm: 7 } });
	t.is(readFileSync(join(path, "node")).length, 2 * blockBytes);
	const second = new Records(new RecordFile(linuxSystem, fd, "node"));
	t.is(second.now.term, 7);
	t.is(second.now.tree, first.now.tree);
	t.true(second.crashed, "an open seal whose process is gone");
	second.change({ seal: { term: 7, seq: 3 } }, true);
	t.false(second.shown.crashed);
	t.false(new Records(new RecordFile(linuxSystem, fd, "node")).crashed);
});

test("whatever a torn write leaves, the older record or the newer one is read, never a mixture", (t) => {
	const { path, fd } = folder(t);
	const store = new RecordFile(linuxSystem, fd, "node");
	const texts = ["one", "two", "three"];
	for (const text of texts) store.write(Buffer.from(text.padEnd(3000, text)));
	const file = join(path, "node");
	const whole = readFileSync(file);
	// "three" is the newest and stands in slot 0; slot 1 holds "two".
	for (const cut of [0, 1, 3, 4, 11, 12, 15, 16, 17, 511, 512, 513, 3015, 3016, 4063, 4064, 4065, 4095]) {
		for (const left of [Buffer.alloc(blockBytes, 0), Buffer.alloc(blockBytes, 0xa5), whole.subarray(blockBytes)]) {
			const torn = Buffer.from(whole);
			left.copy(torn, cut, cut, blockBytes);
			if (torn.equals(whole)) continue;
			writeFileSync(file, torn);
			const read = new RecordFile(linuxSystem, fd, "node").newest!.toString();
			t.true(read.startsWith("two"), `cut at ${cut}`);
		}
	}
	for (let at = 0; at < blockBytes; at += 37) {
		const flipped = Buffer.from(whole);
		flipped[at] = flipped[at]! ^ 0x10;
		writeFileSync(file, flipped);
		t.true(new RecordFile(linuxSystem, fd, "node").newest!.toString().startsWith("two"), `bit at ${at}`);
	}
});

test("after a torn write the next one goes over the torn copy, not over the intact one", (t) => {
	const { path, fd } = folder(t);
	const store = new RecordFile(linuxSystem, fd, "node");
	for (const text of ["one", "two"]) store.write(Buffer.from(text));
	const file = join(path, "node");
	const torn = readFileSync(file);
	torn.fill(0x11, blockBytes, blockBytes + 600);
	writeFileSync(file, torn);
	const again = new RecordFile(linuxSystem, fd, "node");
	t.is(again.newest!.toString(), "one");
	again.write(Buffer.from("three"));
	const after = readFileSync(file);
	t.is(decodeBlock(after.subarray(0, blockBytes))!.payload.toString(), "one");
	t.is(decodeBlock(after.subarray(blockBytes))!.payload.toString(), "three");
});

test("both copies damaged: refused, and nothing is invented", (t) => {
	const { path, fd } = folder(t);
	new RecordFile(linuxSystem, fd, "node").write(Buffer.from("one"));
	writeFileSync(join(path, "node"), Buffer.alloc(2 * blockBytes, 7));
	const error = t.throws(() => new RecordFile(linuxSystem, fd, "node"), { code: "REPLICATION_RECORDS" });
	t.regex(error!.message, /damaged/);
});

test("a block does not carry the checksum of another counter", (t) => {
	const bytes = Buffer.alloc(blockBytes);
	encodeBlock({ counter: 5, payload: Buffer.from("x") }, bytes);
	t.is(decodeBlock(bytes)!.counter, 5);
	bytes.writeBigUInt64BE(6n, 4);
	t.is(decodeBlock(bytes), null);
});

test("epochs: minted once a separation, taken over when a session completes, at most 8 older ones", (t) => {
	const { fd } = folder(t);
	const records = new Records(new RecordFile(linuxSystem, fd, "node"));
	t.true(records.mint());
	const first = records.now.epoch!;
	t.not(first.current, first.base);
	t.false(records.mint(), "still the same separation");
	records.change({ epoch: sharedEpoch(records.now.epoch) });
	t.deepEqual(records.now.epoch, { current: first.current, base: first.current, history: [first.base] });
	t.true(records.mint());
	t.is(records.now.epoch!.base, first.current);
	for (let round = 0; round < 12; round++) {
		records.change({ epoch: sharedEpoch(records.now.epoch) });
		records.mint();
	}
	t.is(records.now.epoch!.history.length, 8);
	const before = records.now.epoch!;
	records.mint(true);
	t.is(records.now.epoch!.base, before.current, "forced: the other is behind");
	t.is(records.now.epoch!.history[0], before.base);
	t.throws(() => records.change({ term: -1 }), { code: "INTERNAL" });
});
