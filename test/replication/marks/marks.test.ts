/**
 * Marks against a plain model: whatever is changed, checkpointed, moved and forgotten, what the disk says names
 * everything that was changed since the last checkpoint that ended.
 */
import test from "ava";
import fc from "fast-check";
import { applyEntry, type Entry } from "../../../core/replication/marks/entries.ts";
import { isYoung } from "../../../core/replication/marks/mark.ts";
import { MarkSet } from "../../../core/replication/marks/markSet.ts";
import { type MarkSabotage, type MarkStore, Marks, maxMarks } from "../../../core/replication/marks/marks.ts";

/** A disk in memory, whose writes end when the test says so. */
class Disk implements MarkStore {
	said: Entry[] = [];
	loaded: Entry[] | null = [];
	wantsAll = false;
	#pending: (() => void) | null = null;

	fits(): boolean {
		return true;
	}

	append(entries: readonly Entry[], done: (result: number) => void): void {
		this.#pending = () => {
			this.said.push(...entries);
			done(0);
		};
	}

	replace(entries: readonly Entry[], done: (result: number) => void): void {
		this.#pending = () => {
			this.said = [...entries];
			done(0);
		};
	}

	/** The write that is under way ends; false: there is none. */
	end(): boolean {
		const end = this.#pending;
		this.#pending = null;
		end?.();
		return end !== null;
	}

	read(): { set: MarkSet; everything: boolean } {
		const set = new MarkSet();
		let everything = false;
		for (const entry of this.said) {
			if (entry.is === "everything") everything = entry.yes;
			else applyEntry(set, entry);
		}
		return { set, everything };
	}
}

interface ModelFile {
	id: string;
	directory: bigint;
}

/** What was changed, when, and where. */
class Model {
	readonly disk = new Disk();
	readonly marks: Marks;
	readonly files = new Map<bigint, ModelFile>();
	changed: { at: number; file?: bigint; chunk?: number; directory?: bigint }[] = [];
	now = 0;
	turnedAt: number | null = null;
	#id = 100;
	#posted: (() => void)[] = [];

	constructor(sabotage: MarkSabotage = null) {
		for (let n = 1; n <= 3; n++) this.files.set(BigInt(n), { id: `1.0.${n}`, directory: 1000n });
		this.marks = new Marks({
			store: this.disk,
			nextId: () => `1.0.${this.#id + 1}`,
			idOf: (file) => this.files.get(file)?.id ?? null,
			later: (run) => this.#posted.push(run),
			onDurable: () => {},
			onFailed: () => {},
			sabotage,
		});
	}

	run(): void {
		for (const posted of this.#posted.splice(0)) posted();
	}

	/** As a request: asked again until it is covered, then applied. */
	change(covered: () => boolean, apply: () => void): void {
		for (let n = 0; !covered(); n++) {
			if (n > 20) throw new Error("never covered");
			this.run();
			this.disk.end();
		}
		this.now++;
		apply();
	}

	write(file: bigint, chunk: number): void {
		if (!this.files.has(file)) return;
		const at = BigInt(chunk) << 22n;
		this.change(
			() => this.marks.content(file, at, at + 10n),
			() => this.changed.push({ at: this.now, file, chunk }),
		);
	}

	make(directory: bigint): void {
		this.change(
			() => this.marks.entries(directory),
			() => {
				const id = `1.0.${++this.#id}`;
				const file = BigInt(this.#id);
				this.files.set(file, { id, directory });
				this.changed.push({ at: this.now, directory }, { at: this.now, file });
				this.marks.made(directory, file, false);
			},
		);
	}

	move(file: bigint, to: bigint): void {
		const known = this.files.get(file);
		if (known === undefined || known.directory === to) return;
		const from = known.directory;
		const all = () => [this.marks.entries(from), this.marks.entries(to), this.marks.leaves(file, from, to)];
		this.change(
			() => all().every(Boolean),
			() => {
				known.directory = to;
				this.changed.push({ at: this.now, directory: from }, { at: this.now, directory: to });
			},
		);
	}

	begin(): void {
		this.marks.turn();
		this.turnedAt = this.now;
	}

	complete(spare: boolean): void {
		if (this.turnedAt === null) return;
		const turnedAt = this.turnedAt;
		this.marks.prune(spare);
		this.changed = this.changed.filter(({ at }) => at > turnedAt);
		this.turnedAt = null;
	}

	/** What a start after a power cut now would not compare. */
	unnamed(): unknown[] {
		const { set, everything } = this.disk.read();
		if (everything) return [];
		return this.changed.filter(({ file, chunk, directory }) => {
			if (directory !== undefined) return !set.directories.has(directory);
			const mark = set.files.get(file!);
			if (mark?.whole || (mark !== undefined && chunk === undefined)) return false;
			if (chunk !== undefined && mark?.groups.get(Math.floor(chunk / 64))?.has(chunk % 64)) return false;
			const { id, directory: parent } = this.files.get(file!)!;
			const young = set.directories.get(parent);
			return young === undefined || !isYoung(id, young.since);
		});
	}
}

const step = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), file: fc.nat(130), chunk: fc.nat(200) }) },
	{ weight: 4, arbitrary: fc.record({ do: fc.constant("make" as const), directory: fc.nat(2) }) },
	{ weight: 3, arbitrary: fc.record({ do: fc.constant("move" as const), file: fc.nat(130), directory: fc.nat(2) }) },
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("begin" as const) }) },
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("complete" as const), spare: fc.boolean() }) },
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("post" as const) }) },
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const) }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("all" as const), all: fc.boolean() }) },
);

test("after every step what is on disk names all that was changed since the last checkpoint", (t) => {
	t.timeout(120_000);
	fc.assert(
		fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
			const model = new Model();
			for (const now of steps) {
				const files = [...model.files.keys()];
				if (now.do === "write") model.write(files[now.file % files.length]!, now.chunk);
				else if (now.do === "make") model.make(1000n + BigInt(now.directory));
				else if (now.do === "move") model.move(files[now.file % files.length]!, 1000n + BigInt(now.directory));
				else if (now.do === "begin") model.begin();
				else if (now.do === "complete") model.complete(now.spare);
				else if (now.do === "post") model.run();
				else if (now.do === "end") model.disk.end();
				else model.disk.wantsAll = now.all;
				const left = model.unnamed();
				if (left.length > 0) throw new Error(JSON.stringify(left, (_, v) => (typeof v === "bigint" ? `${v}` : v)));
			}
		}),
		{ numRuns: 1500 },
	);
	t.pass();
});

for (const sabotage of ["none", "late"] as const) {
	test(`negative control: with marks ${sabotage} the same question finds what is not named`, (t) => {
		const model = new Model(sabotage);
		model.write(1n, 5);
		model.make(1000n);
		t.true(model.unnamed().length > 0);
	});
}

test("who waits for what was said hears of it, whatever is being written then", (t) => {
	for (const [before, meanwhile] of [
		[false, false],
		[true, false],
		[false, true],
		[true, true],
	] as const) {
		const model = new Model();
		let heard = 0;
		if (before) model.marks.stamp(1n, false);
		model.run();
		if (meanwhile) model.marks.stamp(2n, false);
		model.marks.written(() => heard++);
		for (let n = 0; n < 3; n++) {
			model.disk.end();
			model.run();
		}
		t.is(heard, 1, `${before} ${meanwhile}`);
	}
});

test("a difference that was found stays marked until a comparison has ended", (t) => {
	const model = new Model();
	const left = () => [...model.disk.read().set.files.keys(), ...model.disk.read().set.directories.keys()];
	const settle = () => {
		for (let n = 0; n < 3; n++) {
			model.run();
			model.disk.end();
		}
	};
	model.marks.found({ file: 1n, hint: 1000n });
	model.marks.found({ directory: 1000n });
	settle();
	for (const spare of [true, false, false]) {
		model.begin();
		model.complete(spare);
		settle();
		t.deepEqual(left(), [1n, 1000n]);
	}
	model.begin();
	model.marks.prune(false, true);
	settle();
	t.deepEqual(left(), []);
});

test("20,000 new files cost one mark; those that are older than two checkpoints and still written to, one each", (t) => {
	const model = new Model();
	for (let n = 0; n < 20_000; n++) model.make(1000n);
	t.is(model.marks.size, 1);
	model.begin();
	model.write(200n, 0);
	model.complete(true);
	for (let n = 0; n < 4; n++) {
		model.run();
		model.disk.end();
	}
	t.deepEqual(model.unnamed(), []);
	t.deepEqual([...model.disk.read().set.files.keys()], [200n]);
});

test("marks are bounded: files give up their groups, then nothing is known", (t) => {
	const model = new Model();
	for (let n = 0; n < 30_000; n++) model.write(1n, n * 64);
	t.true(model.marks.size < maxMarks);
	t.false(model.marks.everything);
	t.true(model.disk.read().set.files.get(1n)?.whole);
	for (let n = 0n; n < 2n * BigInt(maxMarks); n += 1n) model.marks.attributes(10_000n + n);
	t.true(model.marks.everything);
	t.true(model.marks.size <= maxMarks);
	model.run();
	for (let n = 0; n < 4; n++) model.disk.end();
	t.true(model.disk.read().everything);
});

test("a covered write costs little", (t) => {
	const model = new Model();
	for (let n = 0; n < 2560; n++) model.write(1n, n);
	const rounds = 200_000;
	const start = performance.now();
	for (let n = 0; n < rounds; n++) {
		const at = BigInt((n * 7919) % 2560) << 22n;
		if (!model.marks.content(1n, at, at + 4096n)) t.fail();
	}
	const each = ((performance.now() - start) * 1e6) / rounds;
	t.log(`${Math.round(each)} ns a write at random over 10 GiB`);
	t.true(each < 20_000);
});

test("where names tell which file is which, what moves is marked before it does, and the disk says so", (t) => {
	const model = new Model();
	const { marks, disk } = model;
	const settle = () => {
		for (let n = 0; n < 3; n++) {
			model.run();
			disk.end();
		}
	};
	t.false(marks.mayBeYoung(1000n));
	t.true(marks.moves(2000n), "nothing has to be marked");
	model.write(1n, 0);
	marks.found({ directory: 3000n });
	settle();
	marks.begin();
	marks.byName = true;
	settle();
	const emptied = disk.read();
	t.deepEqual([emptied.set.size, emptied.everything], [0, false], "it begins anew");
	t.true(marks.mayBeYoung(1000n) && marks.followsMoves);
	t.false(marks.moves(2000n));
	t.false(marks.leaves(1n, 1000n, 2000n));
	settle();
	t.true(marks.moves(2000n) && marks.leaves(1n, 1000n, 2000n));
	const { set } = disk.read();
	t.like(set.directories.get(2000n), { subtree: true, since: null });
	t.true(set.files.get(1n)?.whole);
	t.is(set.subtrees, 1);
	// A process that comes after it knows the same, and still follows what moves.
	const next = new Disk();
	next.loaded = disk.said;
	const options = { idOf: () => null, nextId: () => "9.0.1", later: () => {}, onDurable: () => {}, onFailed: () => {} };
	const again = new Marks({ ...options, store: next });
	t.true(again.followsMoves);
	t.true(again.moves(2000n));
	t.deepEqual(again.list().directories, [{ directory: 2000n, since: null, subtree: true }]);
});
