/** Files are introduced to the peer when they are first named, parents first; the least used are taken back. */
import { rmSync } from "node:fs";
import test from "ava";
import { Applier } from "../../core/replication/local/apply.ts";
import { NameMemory } from "../../core/replication/local/nameMemory.ts";
import type { FileRef, Operation } from "../../core/replication/operation.ts";
import { Binder } from "../../core/replication/primary/binder.ts";
import { RefBindings } from "../../core/replication/secondary/bindings.ts";
import { random } from "./churn.ts";
import { TwoTrees } from "./inProcess.ts";

/** Both trees have d0…d9 with f0…f49 each; the returned references are the source's. */
function populated(t: { teardown(fn: () => void): void }): { trees: TwoTrees; files: FileRef[] } {
	const trees = new TwoTrees(t);
	const { application, volume } = trees.source;
	const files: FileRef[] = [];
	for (let d = 0; d < 10; d++) {
		application.make([`d${d}`], "directory");
		for (let n = 0; n < 50; n++) {
			application.make([`d${d}`, `f${n}`], "file");
			const directory = volume.tree.refAt(volume.tree.rootFd, `d${d}`) as FileRef;
			files.push(volume.tree.with<FileRef>(directory, (fd) => volume.tree.refAt(fd, `f${n}`)) as FileRef);
		}
	}
	trees.begin(true);
	trees.finish();
	return { trees, files };
}

test("at most so many are known; whatever is named is known on the other side at that moment", (t) => {
	const { trees, files } = populated(t);
	const { tree, names } = trees.source.volume;
	const binder = new Binder(tree, names, 64);
	const bindings = new RefBindings();
	bindings.bind(tree.rootRef, trees.target.volume.tree.rootRef);
	binder.add(tree.rootRef);
	const applier = new Applier(trees.target.volume.tree, bindings);
	const next = random(5);
	let unbound = 0;
	for (let n = 0; n < 3000; n++) {
		const file = files[Math.floor(next() * next() * files.length)]!;
		const operation: Operation = { op: "setattr", file, mode: 0o600 + (n % 8) };
		const before = binder.before(operation);
		if (!Array.isArray(before)) return t.fail("a file has no name");
		for (const each of [...before, operation]) t.is(applier.apply(each), 0, each.op);
		unbound += before.filter(({ op }) => op === "unbind").length;
		t.true(binder.size <= 64 + 1, `${binder.size}`);
	}
	t.true(unbound > 500, `${unbound}`);
});

test("without the memory of names they are found in their directories", (t) => {
	const { trees, files } = populated(t);
	const { tree } = trees.source.volume;
	const binder = new Binder(tree, new NameMemory());
	binder.add(tree.rootRef);
	for (const file of files.slice(0, 20)) {
		const before = binder.before({ op: "setattr", file, mode: 0o600 });
		t.true(Array.isArray(before) && before.every(({ op }) => op === "bind"));
	}
});

test("a name that leads to another file there is a difference, not a file", (t) => {
	const { trees, files } = populated(t);
	const { tree, names } = trees.source.volume;
	const binder = new Binder(tree, names);
	binder.add(tree.rootRef);
	const other = trees.target.volume.tree;
	const bindings = new RefBindings();
	bindings.bind(tree.rootRef, other.rootRef);
	const applier = new Applier(other, bindings);
	rmSync(`${trees.target.dir}/d0/f0`);
	const made = trees.target.application.make(["d0", "f0"], "file");
	t.true(made);
	const before = binder.before({ op: "setattr", file: files[0]!, mode: 0o600 });
	if (!Array.isArray(before)) return t.fail("no name");
	t.deepEqual(
		before.map((each) => applier.apply(each)),
		[0, -116],
	);
});
