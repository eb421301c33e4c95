/** Marks of a real pair: written before a change counts, removed by a checkpoint, and naming all that differs. */
import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { MarkList } from "../../../core/replication/marks/mark.ts";
import { Pair, type TestNode } from "../pair.ts";
import { marksOf, unnamed } from "./marksOf.ts";

test.serial(
	"after a session is complete no marks are left; what is written is marked, and a checkpoint takes it away",
	async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		await pair.up();
		await sleep(300);
		t.false(marks(a).everything);
		t.false(marks(b).everything);
		mkdirSync(join(a.dir, "d"));
		for (let n = 0; n < 100; n++) writeFileSync(join(a.dir, "d", `f${n}`), `${n}`);
		const made = marks(a);
		t.true(made.files.length < 10, `${made.files.length}: a hundred new files need no marks of their own`);
		t.is(made.directories.length, 2);
		t.deepEqual(marks(b), { everything: false, files: [], directories: [] }, "a secondary writes none");
		const { own } = a.records!.checkpoint;
		await settled(a);
		t.deepEqual(marks(a), { everything: false, files: [], directories: [] });
		await told(pair);
		t.true(a.records!.checkpoint.own > own);
		t.is(b.records!.checkpoint.own, a.records!.checkpoint.own);
		t.true(b.records!.checkpoint.peer < b.records!.checkpoint.own, "what the source had recorded then");
		writeFileSync(join(a.dir, "d", "f1"), "again");
		const again = marks(a);
		t.deepEqual(
			again.files.map(({ chunks, whole }) => ({ chunks, whole })),
			[{ chunks: [0], whole: false }],
		);
		await a.ask({ order: "close" }, "closed");
		t.deepEqual(
			marksOf(a.dir, null),
			{ everything: false, files: [], directories: [] },
			"a planned stop ends with a checkpoint",
		);
		await b.ask({ order: "close" }, "closed");
		t.deepEqual(pair.differences(), []);
	},
);

test.serial("both processes are killed under load: the marks name every difference", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	for (let round = 0; round < 4; round++) {
		mkdirSync(join(a.dir, `r${round}`));
		for (let n = 0; n < 30; n++) writeFileSync(join(a.dir, `r${round}`, `f${n}`), Buffer.alloc(n * 500, `${n}`));
	}
	// The secondary goes first: what is written from here on is only here.
	await b.kill();
	await a.until("peerLost");
	await a.ask({ order: "sync" }, "synchronised");
	pair.term += 10;
	await a.ask({ order: "goAlone", term: pair.term }, "alone");
	for (let n = 0; n < 20; n++) writeFileSync(join(a.dir, "r1", `f${n}`), `only here ${n}`);
	const big = openSync(join(a.dir, "big"), "w");
	ftruncateSync(big, 10 * 2 ** 40);
	writeSync(big, "far", 7 * 2 ** 40);
	fdatasyncSync(big);
	closeSync(big);
	await a.kill();
	await a.clear();
	await b.clear();
	const left = marksOf(a.dir, null);
	t.false(left.everything);
	t.deepEqual(unnamed(pair, left, ["big"]), []);
});

test.serial("2,000 chunks at random: marks stay bounded", async (t) => {
	const pair = await Pair.make(t);
	const { a } = pair;
	await pair.up();
	const file = openSync(join(a.dir, "big"), "w");
	t.teardown(() => closeSync(file));
	ftruncateSync(file, 10 * 2 ** 40);
	await settled(a);
	writeSync(file, "far", 7 * 2 ** 40);
	const [far] = marks(a).files;
	t.deepEqual(far?.chunks, [(7 * 2 ** 40) / 2 ** 22], "far inside a file of 10 TB: one chunk");
	let most = 0;
	for (let n = 0; n < 2000; n++) writeSync(file, "x", Math.floor(Math.random() * 10 * 2 ** 18) * 2 ** 22);
	for (let n = 0; n < 100; n++) {
		most = Math.max(most, chunks(a));
		if (most > 0 && chunks(a) <= 1024) break;
		await sleep(100);
	}
	t.true(most > 0);
	t.true(chunks(a) <= 1024, `${chunks(a)}`);
});

function marks(node: TestNode): MarkList {
	return marksOf(node.dir, node.client.pid);
}

const chunks = (node: TestNode): number => marks(node).files.reduce((sum, file) => sum + file.chunks.length, 0);

/** Until checkpoints have taken all marks away. */
async function settled(node: TestNode): Promise<void> {
	for (let n = 0; n < 200 && marks(node).directories.length > 0; n++) await sleep(100);
}

/** Until the records of both name the last checkpoint: marks are read from the disk, records come by a message, later. */
async function told({ a, b }: Pair): Promise<void> {
	const own = (node: TestNode): number => node.records!.checkpoint.own;
	for (let n = 0; n < 100 && (own(a) === 0 || own(a) !== own(b)); n++) await sleep(20);
}
