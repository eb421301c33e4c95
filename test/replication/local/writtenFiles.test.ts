/** Files kept open on a secondary, and the times that they owe. */
import { linkSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { errno } from "../../../core/replication/errno.ts";
import { Applier } from "../../../core/replication/local/apply.ts";
import { openTree } from "../../../core/replication/local/setup.ts";
import type { FileRef, Operation } from "../../../core/replication/operation.ts";
import { makeTestFolder } from "../../folder.ts";

/** An applier to which every file means itself. */
function start(t: ExecutionContext) {
	const dir = makeTestFolder("written");
	const tree = openTree(system, dir, false);
	const applier = new Applier(tree, { own: (ref) => ref, bind: () => {}, unbind: () => {} });
	t.teardown(() => {
		applier.close();
		tree.close();
		rmSync(dir, { recursive: true, force: true });
	});
	const ref = (name: string): FileRef => {
		const found = tree.refAt(tree.rootFd, name);
		if (typeof found === "number") throw new Error(`${name}: ${found}`);
		return found;
	};
	const write = (file: FileRef, text: string, offset = 0n, mtimeNs = 1_000_000_007n): number =>
		applier.apply({ op: "write", file, offset, data: Buffer.from(text), mtimeNs });
	return { dir, tree, applier, ref, write };
}

const open = (dir: string): string[] =>
	readdirSync("/proc/self/fd").flatMap((fd) => {
		try {
			const path = readlinkSync(`/proc/self/fd/${fd}`);
			return path.startsWith(`${dir}/`) && !path.includes(".opensafe") ? [path.slice(dir.length + 1)] : [];
		} catch {
			return [];
		}
	});
const mtime = (path: string): bigint => statSync(path, { bigint: true }).mtimeNs;

test("a file has the primary's time after its last write, however many there were", (t) => {
	const { dir, applier, ref, write } = start(t);
	writeFileSync(join(dir, "a"), "");
	for (let n = 0; n < 10; n++) t.is(write(ref("a"), `${n}`, BigInt(n), 5_000_000_000n + BigInt(n)), 0);
	t.not(mtime(join(dir, "a")), 5_000_000_009n, "it is owed");
	t.is(applier.settle(), 0);
	t.is(mtime(join(dir, "a")), 5_000_000_009n);
	t.is(readFileSync(join(dir, "a"), "utf8"), "0123456789");
});

test("a time that was set after a write is not undone by the one that the write owes", (t) => {
	const { dir, applier, ref, write } = start(t);
	writeFileSync(join(dir, "a"), "");
	const after: [Operation, bigint][] = [
		[{ op: "setattr", file: ref("a"), times: { atimeNs: 1n, mtimeNs: 77n } }, 77n],
		[{ op: "truncate", file: ref("a"), size: 1n, mtimeNs: 88n }, 88n],
		[{ op: "fallocate", file: ref("a"), mode: 0, offset: 0n, length: 100n, mtimeNs: 99n }, 99n],
	];
	for (const [operation, expected] of after) {
		write(ref("a"), "x");
		t.is(applier.apply(operation), 0);
		t.is(applier.settle(), 0);
		t.is(mtime(join(dir, "a")), expected, operation.op);
	}
});

test("what loses its name is closed, so that its space is free; a new file under the name is written, not the old one", (t) => {
	const { dir, tree, applier, ref, write } = start(t);
	const after = { mtimeNs: 3n };
	const root = tree.rootRef;
	for (const name of ["a", "b", "c"]) {
		writeFileSync(join(dir, name), "");
		t.is(write(ref(name), name), 0);
	}
	t.deepEqual(open(dir).sort(), ["a", "b", "c"]);
	const old = ref("a");
	t.is(applier.apply({ op: "unlink", parent: root, name: Buffer.from("a"), file: old, keep: false, after }), 0);
	t.deepEqual(open(dir).sort(), ["b", "c"]);
	t.is(write(old, "gone"), -errno.ESTALE);
	const [from, to] = [Buffer.from("b"), Buffer.from("c")];
	const move = { op: "rename", parent: root, name: from, newParent: root, newName: to, flags: 0, keep: null } as const;
	t.is(applier.apply({ ...move, after, newAfter: after }), 0);
	t.deepEqual(open(dir), ["c"]);
	writeFileSync(join(dir, "a"), "");
	t.is(write(ref("a"), "new"), 0);
	t.is(write(ref("c"), "moved"), 0);
	t.is(readFileSync(join(dir, "a"), "utf8"), "new");
	t.is(readFileSync(join(dir, "c"), "utf8"), "moved");
	t.is(applier.close(), 0);
	t.deepEqual(open(dir), []);
	t.is(mtime(dir), 3n);
});

test("the number of files kept open is bounded, and each has its time", (t) => {
	const { dir, applier, ref, write } = start(t);
	for (let n = 0; n < 400; n++) {
		writeFileSync(join(dir, `f${n}`), "");
		t.is(write(ref(`f${n}`), "x", 0n, BigInt(n)), 0);
	}
	t.true(open(dir).length <= 128);
	t.is(applier.settle(), 0);
	for (let n = 0; n < 400; n++) t.is(mtime(join(dir, `f${n}`)), BigInt(n));
});

test("a directory owes its time too, and a removed one is let go", (t) => {
	const { dir, tree, applier, ref } = start(t);
	mkdirSync(join(dir, "d"));
	writeFileSync(join(dir, "file"), "");
	linkSync(join(dir, "file"), join(dir, "d", "x"));
	const [d, file] = [ref("d"), ref("file")];
	const name = Buffer.from("x");
	t.is(applier.apply({ op: "unlink", parent: d, name, file, keep: false, after: { mtimeNs: 5n } }), 0);
	t.is(applier.settle(), 0);
	t.is(mtime(join(dir, "d")), 5n);
	const after = { mtimeNs: 6n };
	t.is(applier.apply({ op: "rmdir", parent: tree.rootRef, name: Buffer.from("d"), after }), 0);
	t.is(applier.settle(), 0);
	t.is(mtime(dir), 6n);
	t.deepEqual(open(dir), []);
});
