/** Directories kept open. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { errno } from "../../../core/replication/errno.ts";
import { Directories } from "../../../core/replication/local/directories.ts";
import { openTree } from "../../../core/replication/local/setup.ts";
import type { FileRef } from "../../../core/replication/operation.ts";
import { makeTestFolder } from "../../folder.ts";

test("a directory is opened once, its number is bounded, and what is let go is opened anew or gone", (t) => {
	const dir = makeTestFolder("directories");
	const tree = openTree(system, dir, false);
	const directories = new Directories(tree);
	t.teardown(() => {
		directories.close();
		tree.close();
		rmSync(dir, { recursive: true, force: true });
	});
	const make = (name: string): FileRef => {
		mkdirSync(join(dir, name));
		return tree.refAt(tree.rootFd, name) as FileRef;
	};
	const fdOf = (ref: FileRef): number => directories.with<never>(ref, (fd) => fd);
	const a = make("a");
	t.is(fdOf(a), fdOf(a));
	writeFileSync(join(dir, "a", "file"), "");
	t.is(
		directories.with(a, (fd) => tree.refAt(fd, "file")),
		tree.refAt(tree.rootFd, "a/file"),
	);
	const many = Array.from({ length: 200 }, (_, n) => make(`d${n}`));
	for (const ref of many) t.true(fdOf(ref) >= 0);
	t.is(directories.size, 64);
	t.is(
		directories.with(a, (fd) => tree.refAt(fd, "file")),
		tree.refAt(tree.rootFd, "a/file"),
	);
	rmSync(join(dir, "a"), { recursive: true });
	directories.letGo(a);
	t.is(fdOf(a), -errno.ESTALE);
	const again = make("a");
	t.not(again, a);
	t.is(
		directories.with(again, (fd) => tree.refAt(fd, "")),
		again,
	);
	directories.close();
	t.is(directories.size, 0);
});
