/** Changes by hand while the mount was away: found at the next start, and only they. */
import { appendFileSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Pair, type TestNode } from "../pair.ts";
import { marksOf } from "./marksOf.ts";

test.serial("what was changed by hand while both were stopped is marked, and nothing else", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	mkdirSync(join(a.dir, "d", "deep"), { recursive: true });
	for (let n = 0; n < 20; n++) writeFileSync(join(a.dir, "d", "deep", `f${n}`), `${n}`);
	await a.ask({ order: "close" }, "closed");
	await b.ask({ order: "close" }, "closed");
	await sleep(50);
	for (const node of [a, b]) {
		await node.open();
		await sleep(1500);
		t.deepEqual(marksOf(node.dir, node.client.pid), { everything: false, files: [], directories: [] });
		await node.ask({ order: "close" }, "closed");
	}
	await sleep(50);
	appendFileSync(join(b.dir, "d", "deep", "f3"), "by hand");
	writeFileSync(join(b.dir, "d", "new"), "by hand");
	const changed = [inode(b, "d/deep/f3"), inode(b, "d/new")].sort();
	await b.open();
	const found = await until(b, 3);
	t.false(found.everything);
	t.deepEqual(found.files.map(({ file }) => Number(file & 0xffffffffn)).sort(), changed);
	t.true(found.files.every(({ whole }) => whole));
	t.deepEqual(
		found.directories.map(({ directory }) => Number(directory & 0xffffffffn)),
		[inode(b, "d")],
	);
	t.true(
		b.logs.some((line) => line.includes("3 changes were made")),
		b.logs.join("\n"),
	);
	await a.open();
	await pair.join(a, b, "EQUAL");
	await b.ask({ order: "close" }, "closed");
	await a.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
});

test.serial("a clock that was put back, and marks that are damaged: everything, and the log says so", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	await a.ask({ order: "close" }, "closed");
	await b.ask({ order: "close" }, "closed");
	rmSync(join(a.dir, ".opensafe", "clock"));
	// A clock that cannot be read is none.
	mkdirSync(join(a.dir, ".opensafe", "clock"));
	await a.open();
	t.true(await knowsNothing(a));
	t.true(
		a.logs.some((line) => line.includes("all of it will be compared")),
		a.logs.join("\n"),
	);
	await a.ask({ order: "close" }, "closed");
	writeFileSync(join(b.dir, ".opensafe", "marks"), Buffer.alloc(4 << 20, 7));
	await b.open();
	t.true(await knowsNothing(b));
	t.true(
		b.logs.some((line) => line.includes("cannot be read")),
		b.logs.join("\n"),
	);
});

async function knowsNothing(node: TestNode): Promise<boolean> {
	for (let n = 0; n < 200; n++) {
		if (marksOf(node.dir, node.client.pid).everything) return true;
		await sleep(100);
	}
	return false;
}

const inode = (node: TestNode, path: string): number => statSync(join(node.dir, path)).ino;

async function until(node: TestNode, count: number) {
	for (let n = 0; n < 100; n++) {
		const list = marksOf(node.dir, node.client.pid);
		if (list.files.length + list.directories.length >= count) return list;
		await sleep(100);
	}
	throw new Error(node.story());
}
