/** Only what one of the two nodes has marked is compared; afterwards the trees are equal, by full comparison. */
import test, { type ExecutionContext } from "ava";
import { randomChange } from "./application.ts";
import { random } from "./churn.ts";
import { TwoTrees } from "./inProcess.ts";

const seeds = Array.from(
	{ length: Number(process.env.SEEDS ?? 12) },
	(_, index) => Number(process.env.SEED ?? 1) + index,
);

function changes(trees: TwoTrees, side: "source" | "target", next: () => number, count: number): void {
	for (let n = 0; n < count; n++) randomChange(trees[side].application, next);
}

/** Two equal trees without marks. */
function equal(t: ExecutionContext, next: () => number): TwoTrees {
	const trees = new TwoTrees(t);
	changes(trees, "source", next, 250);
	trees.begin(true);
	trees.finish();
	trees.source.primary.goAlone(3);
	trees.checkpoint();
	return trees;
}

/** A session in which the source makes changes that both have, and that its marks name when it goes on alone. */
function together(trees: TwoTrees, change: () => void): void {
	trees.begin(false);
	trees.finish();
	trees.checkpoint();
	change();
	trees.finish();
	trees.source.primary.goAlone(4);
}

/** The target's marks of a session in which it was the primary: of some directories, older than all that is in them. */
function marksOfBefore({ target }: TwoTrees, next: () => number): void {
	const { tree } = target.volume;
	const left = [tree.rootRef];
	for (let at = left.pop(); at !== undefined; at = left.pop()) {
		const directory = at;
		if (next() < 0.4) target.marks.entries(directory, "0.1.1");
		const entries = tree.list(directory);
		for (const { name, type } of Array.isArray(entries) ? entries : []) {
			if (type === 4) left.push(tree.with<bigint>(directory, (fd) => tree.refAt(fd, name)) as bigint);
		}
	}
}

for (const seed of seeds) {
	test(`changes on both sides while separated, and while they are compared (seed ${seed})`, (t) => {
		const next = random(seed);
		const trees = equal(t, next);
		t.deepEqual(trees.differences(), []);
		if (seed % 2 === 0) together(trees, () => changes(trees, "source", next, 40));
		if (seed % 3 === 1) marksOfBefore(trees, next);
		trees.target.primary.serveAlone(4);
		trees.source.primary.serveAlone(5);
		trees.source.application.remembers = seed % 3 !== 0;
		changes(trees, "source", next, Math.floor(next() * 60));
		changes(trees, "target", next, Math.floor(next() * 60));
		const change = () => changes(trees, "source", next, 1);
		trees.interrupted(next, { begin: () => trees.begin(false), change, most: 200, often: 0.1 });
		trees.begin(false);
		trees.finishUnder(next, change, 150);
		t.deepEqual(trees.differences(), [], `seed ${seed}`);
	});
}

test("what nothing has marked is not looked at: a rename moves no data, a hard link stays one", (t) => {
	const trees = new TwoTrees(t);
	const { application } = trees.source;
	for (let d = 0; d < 50; d++) {
		application.make([`d${d}`], "directory");
		for (let n = 0; n < 20; n++) {
			application.make([`d${d}`, `f${n}`], "file");
			application.write([`d${d}`, `f${n}`], 0, Buffer.alloc(n === 0 ? 300_000 : 1000, `${d}`));
		}
	}
	trees.begin(true);
	trees.finish();
	trees.source.primary.goAlone(3);
	trees.checkpoint();
	application.write(["d7", "f0"], 200_000, Buffer.from("changed"));
	application.move(["d1", "f0"], ["d2", "moved"]);
	application.move(["d3"], ["d4", "inner"]);
	application.link(["d5", "f0"], ["d6", "second"]);
	trees.begin(false);
	trees.finish();
	t.deepEqual(trees.differences(), []);
	const { directories, files } = trees.compared();
	// d1, d2, the root, d4, d6; d7/f0 and the three that were moved or linked.
	t.true(directories <= 6, `${directories} directories`);
	t.true(files <= 4, `${files} files`);
	t.is(trees.sent.get("write"), 1);
});

test("negative control: what no mark names stays different, and a comparison of everything finds it", (t) => {
	const trees = new TwoTrees(t);
	const { application, marks } = trees.source;
	application.make(["f0"], "file");
	application.write(["f0"], 0, Buffer.alloc(5000, "a"));
	trees.begin(true);
	trees.finish();
	trees.source.primary.goAlone(3);
	trees.checkpoint();
	marks.off = true;
	application.write(["f0"], 100, Buffer.from("changed"));
	trees.begin(false);
	trees.finish();
	t.regex(trees.differences().join(), /f0: content differs/);
	trees.source.primary.goAlone(5);
	trees.begin(true);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

test("a file with two names is brought from a directory in limbo, which is brought back too and keeps its own name", (t) => {
	const trees = new TwoTrees(t);
	const { application } = trees.source;
	application.make(["d"], "directory");
	application.make(["d", "e"], "directory");
	application.make(["d", "e", "inner"], "file");
	application.write(["d", "e", "inner"], 0, Buffer.alloc(300_000, "x"));
	application.link(["d", "e", "inner"], ["outer"]);
	trees.begin(true);
	trees.finish();
	trees.source.primary.goAlone(3);
	trees.checkpoint();
	t.deepEqual(trees.differences(), []);
	trees.target.primary.serveAlone(4);
	trees.source.primary.serveAlone(5);
	trees.target.application.move(["d"], ["elsewhere"]);
	trees.target.application.remove(["outer"]);
	trees.begin(false);
	trees.finish();
	t.deepEqual(trees.differences(), []);
	t.is(trees.sent.get("write") ?? 0, 0);
});

test("a marked directory that is gone, and a marked file whose name nobody remembers: the copy ends", (t) => {
	const trees = new TwoTrees(t);
	const { application, marks, volume } = trees.source;
	application.make(["gone"], "directory");
	const gone = volume.tree.refAt(volume.tree.rootFd, "gone");
	application.remove(["gone"]);
	application.make(["d"], "directory");
	application.make(["d", "file"], "file");
	trees.begin(true);
	trees.finish();
	trees.source.primary.goAlone(3);
	trees.checkpoint();
	application.remembers = false;
	application.write(["d", "file"], 0, Buffer.from("changed"));
	marks.found({ directory: gone as bigint });
	trees.begin(false);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

test("two files with the same id, one with two names: all of them make room", (t) => {
	const trees = new TwoTrees(t);
	const { application } = trees.source;
	application.make(["a"], "file");
	application.make(["b"], "file");
	application.link(["b"], ["c"]);
	trees.begin(true);
	trees.finish();
	trees.source.primary.goAlone(3);
	trees.checkpoint();
	const { tree } = trees.target.volume;
	const [a, b] = ["a", "b"].map((name) => tree.refAt(tree.rootFd, name) as bigint);
	const id = tree.idOf(a!);
	tree.with<never>(b!, (fd) => tree.setId(fd, b!, String(id)));
	for (const name of ["a", "b", "c"]) application.remove([name]);
	for (const name of ["b", "c"]) application.make([name], "file");
	trees.begin(false);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

test("a part of a file is written here while the other side removes it: all of it is there again", (t) => {
	const trees = new TwoTrees(t);
	const { source, target } = trees;
	const names = ["f0", "f1", "f2", "f3"];
	for (const name of names) {
		source.application.make([name], "file");
		source.application.write([name], 0, Buffer.alloc(9_000_000, name));
	}
	trees.begin(true);
	trees.finish();
	source.primary.goAlone(3);
	trees.checkpoint();
	target.primary.serveAlone(4);
	source.primary.serveAlone(5);
	for (const name of names) {
		source.application.write([name], 100, Buffer.from("changed"));
		target.application.remove([name]);
	}
	trees.begin(false);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

for (const how of ["moved", "linked", "exchanged"] as const) {
	test(`a file that its directory's mark covers is ${how} out of it before that is compared: its content is compared all the same`, (t) => {
		const trees = new TwoTrees(t);
		const { application } = trees.source;
		for (const name of ["from", "to"]) application.make([name], "directory");
		application.make(["to", "other"], "file");
		trees.begin(true);
		trees.finish();
		trees.source.primary.goAlone(3);
		together(trees, () => {
			application.make(["from", "file"], "file");
			application.write(["from", "file"], 0, Buffer.alloc(300_000, "a"));
		});
		// Younger than the mark, so it needs none of its own.
		application.write(["from", "file"], 0, Buffer.alloc(300_000, "b"));
		t.is(trees.source.marks.list().files.length, 0);
		trees.begin(false);
		if (how === "moved") application.move(["from", "file"], ["to", "file"]);
		else if (how === "exchanged") application.move(["to", "other"], ["from", "file"], true);
		else {
			application.link(["from", "file"], ["to", "file"]);
			application.remove(["from", "file"]);
		}
		trees.finish();
		t.deepEqual(trees.differences(), []);
	});
}

for (const removed of [false, true]) {
	const also = removed ? ", and the directory is gone there" : "";
	test(`what a mark of the target covers in a directory is compared where the source has moved it${also}`, (t) => {
		const trees = new TwoTrees(t);
		const { source, target } = trees;
		for (const name of ["from", "to"]) source.application.make([name], "directory");
		source.application.make(["from", "file"], "file");
		source.application.write(["from", "file"], 0, Buffer.alloc(300_000, "a"));
		trees.begin(true);
		trees.finish();
		source.primary.goAlone(3);
		trees.checkpoint();
		// As of the session before the last one, in which the target was the primary.
		const { tree } = target.volume;
		const from = tree.with<bigint>(tree.rootRef, (fd) => tree.refAt(fd, Buffer.from("from"))) as bigint;
		target.marks.entries(from, "0.1.1");
		target.primary.serveAlone(4);
		target.application.write(["from", "file"], 0, Buffer.alloc(300_000, "b"));
		t.is(target.marks.list().files.length, 0);
		source.primary.serveAlone(5);
		source.application.move(["from", "file"], ["to", "file"]);
		if (removed) source.application.remove(["from"]);
		t.is(source.marks.list().files.length, 0);
		trees.begin(false);
		trees.finish();
		t.deepEqual(trees.differences(), []);
	});
}
