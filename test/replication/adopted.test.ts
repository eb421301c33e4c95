/** A copy that was made by hand (`rfssync`): names tell which file is which, and only what may differ is compared. */
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { FileRef } from "../../core/replication/operation.ts";
import { randomChange } from "./application.ts";
import { random } from "./churn.ts";
import { type Side, TwoTrees } from "./inProcess.ts";

const seeds = Array.from(
	{ length: Number(process.env.SEEDS ?? 12) },
	(_, index) => Number(process.env.SEED ?? 1) + index,
);

/** As a person does it: with all attributes, also the ids, which are void there. */
function copyByHand(trees: TwoTrees): void {
	for (const name of readdirSync(trees.target.dir)) {
		if (name !== ".opensafe") rmSync(join(trees.target.dir, name), { recursive: true });
	}
	for (const name of readdirSync(trees.source.dir)) {
		if (name === ".opensafe") continue;
		execFileSync("cp", ["-a", "--preserve=all", join(trees.source.dir, name), trees.target.dir]);
	}
	execFileSync("touch", ["-r", trees.source.dir, trees.target.dir]);
	trees.checkpoint();
	trees.source.marks.byName = true;
}

function changes(trees: TwoTrees, side: "source" | "target", next: () => number, count: number): void {
	for (let n = 0; n < count; n++) randomChange(trees[side].application, next);
}

/** The id of every file and directory, by its path. */
function idsOf({ volume }: Side): string[] {
	const { tree } = volume;
	const found: string[] = [];
	const left: [string, FileRef][] = [["", tree.rootRef]];
	for (let next = left.pop(); next !== undefined; next = left.pop()) {
		const [path, directory] = next;
		const entries = tree.list(directory);
		for (const { name, type } of Array.isArray(entries) ? entries : []) {
			const ref = tree.with<FileRef>(directory, (fd) => tree.refAt(fd, name)) as FileRef;
			found.push(`${path}/${name} ${tree.idOf(ref)}`);
			if (type === 4) left.push([`${path}/${name}`, ref]);
		}
	}
	return found.sort();
}

function folders(t: ExecutionContext): TwoTrees {
	const trees = new TwoTrees(t);
	const { application } = trees.source;
	for (let d = 0; d < 20; d++) {
		application.make([`d${d}`], "directory");
		for (let n = 0; n < 10; n++) {
			application.make([`d${d}`, `f${n}`], "file");
			application.write([`d${d}`, `f${n}`], 0, Buffer.alloc(n === 0 && d < 5 ? 9_000_000 : 1000, `${d}`));
		}
	}
	copyByHand(trees);
	return trees;
}

for (const seed of seeds) {
	test(`changes since the copy was made, while it is compared, and after interruptions (seed ${seed})`, (t) => {
		const next = random(seed);
		const trees = new TwoTrees(t);
		changes(trees, "source", next, 250);
		copyByHand(trees);
		trees.source.primary.serveAlone(5);
		trees.source.application.remembers = seed % 3 !== 0;
		changes(trees, "source", next, Math.floor(next() * 60));
		const change = () => changes(trees, "source", next, 1);
		trees.interrupted(next, { begin: () => trees.begin(false, true), change, most: 200, often: 0.1 });
		trees.begin(seed % 4 === 0, true);
		trees.finishUnder(next, change, 150);
		t.deepEqual(trees.differences(), [], `seed ${seed}`);
		t.deepEqual(idsOf(trees.target), idsOf(trees.source), `seed ${seed}`);
		// From now on they are known by their ids, on both sides.
		trees.source.primary.goAlone(7);
		trees.checkpoint();
		trees.source.marks.byName = false;
		trees.target.primary.serveAlone(8);
		trees.source.primary.serveAlone(9);
		changes(trees, "source", next, 30);
		changes(trees, "target", next, 30);
		trees.begin(false);
		trees.finish();
		t.deepEqual(trees.differences(), [], `seed ${seed}, later`);
	});
}

test("of a copy made by hand only the changed zones are compared, though the file's attributes differ", (t) => {
	const trees = folders(t);
	const { application } = trees.source;
	application.write(["d3", "f0"], 5_000_000, Buffer.from("changed"));
	application.move(["d4", "f1"], ["d5", "moved"]);
	trees.begin(false, true);
	trees.finish();
	t.deepEqual(trees.differences(), []);
	const { bytes, files } = trees.compared();
	t.true(bytes <= (4 << 20) + 10_000, `${bytes} bytes`);
	t.true(files <= 3, `${files} files`);
	t.is(trees.sent.get("place"), 1);
});

test("nothing changed: nothing but names and attributes is looked at", (t) => {
	const trees = folders(t);
	trees.begin(false, true);
	trees.finish();
	t.deepEqual(trees.differences(), []);
	t.like(trees.compared(), { files: 0, bytes: 0 });
	t.is(trees.sent.get("place"), undefined);
});

test("a copy that is not what was declared: what looks different is found, and compared again after an interruption", (t) => {
	const trees = folders(t);
	const { target } = trees;
	writeFileSync(join(target.dir, "d1/f0"), "short");
	writeFileSync(join(target.dir, "d2/f3"), Buffer.alloc(1000, "other"));
	rmSync(join(target.dir, "d3"), { recursive: true });
	writeFileSync(join(target.dir, "d4/extra"), "extra");
	trees.checkpoint();
	trees.begin(false, true);
	for (let n = 0; n < 60; n++) trees.step();
	// What was being repaired looks right by now, and is not.
	const stat = { atime: new Date(), mtime: new Date(1e12) };
	writeFileSync(join(target.dir, "d1/f0"), Buffer.alloc(9_000_000, "x"));
	utimesSync(join(target.dir, "d1/f0"), stat.atime, stat.mtime);
	utimesSync(join(trees.source.dir, "d1/f0"), stat.atime, stat.mtime);
	t.true(trees.source.marks.list().directories.length > 0, "marked before anything was repaired");
	trees.begin(false, true);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

test("negative control: a change that no mark names and that no attribute shows stays", (t) => {
	const trees = folders(t);
	const path = join(trees.target.dir, "d1/f1");
	const times = new Date(1e12);
	writeFileSync(path, Buffer.alloc(1000, "other"));
	for (const dir of [trees.source.dir, trees.target.dir]) utimesSync(join(dir, "d1/f1"), times, times);
	trees.checkpoint();
	trees.begin(false, true);
	trees.finish();
	t.regex(trees.differences().join(), /d1\/f1: content differs/);
	trees.source.primary.goAlone(5);
	trees.begin(true, false);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

test("a date: what was changed later is compared whole, whatever marks say; what looks different too", (t) => {
	const trees = folders(t);
	trees.source.marks.everything = true;
	const late = join(trees.source.dir, "d1/f1");
	const times = new Date(1e12);
	writeFileSync(join(trees.target.dir, "d2/f2"), Buffer.alloc(1000, "other"));
	utimesSync(join(trees.target.dir, "d2/f2"), times, times);
	// As much as there was, at the time that it had: only the clock of the disk tells.
	const before = statSync(late);
	const sinceMs = Date.now() + 50;
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
	writeFileSync(late, Buffer.alloc(1000, "later"));
	utimesSync(late, before.atime, before.mtime);
	trees.begin(true, true, sinceMs);
	trees.finish();
	t.deepEqual(trees.differences(), []);
	const { bytes, files } = trees.compared();
	t.is(files, 2);
	t.is(bytes, 2000);
});

for (const followed of [true, false]) {
	const title = followed ? "are told apart" : "look the same where nothing marks what moved (negative control)";
	test(`two directories of files that look alike have changed places: they ${title}`, (t) => {
		const trees = new TwoTrees(t);
		const { application, dir, marks } = trees.source;
		const times = new Date(1e12);
		for (const name of ["d6", "d7"]) {
			application.make([name], "directory");
			application.make([name, "f"], "file");
			application.write([name, "f"], 0, Buffer.alloc(1000, name));
			utimesSync(join(dir, name, "f"), times, times);
		}
		copyByHand(trees);
		marks.byName = followed;
		application.move(["d6"], ["other"]);
		application.move(["d7"], ["d6"]);
		application.move(["other"], ["d7"]);
		trees.begin(false, true);
		trees.finish();
		const found = trees.differences().join();
		if (followed) t.is(found, "");
		else t.regex(found, /d6\/f: content differs/);
	});
}
