/** Directories kept open. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { errno } from "../../../core/replication/errno.ts";
import { Directories } from "../../../core/replication/local/directories.ts";
import { openTree } from "../../../core/replication/local/setup.ts";
import type { FileRef } from "../../../core/replication/operation.ts";
import type { Stat } from "../../../core/replication/system.ts";
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

test("the attributes of a directory are known until something changes them", (t) => {
	const dir = makeTestFolder("directories");
	let looks = 0;
	const tree = openTree({ ...system, stat: (fd, name) => ++looks && system.stat(fd, name) }, dir, false);
	const directories = new Directories(tree);
	t.teardown(() => {
		directories.close();
		tree.close();
		rmSync(dir, { recursive: true, force: true });
	});
	mkdirSync(join(dir, "a"));
	const a = tree.refAt(tree.rootFd, "a") as FileRef;
	t.is(directories.stat(a), null);
	directories.with<never>(a, (fd) => fd);
	const mode = () => (directories.stat(a) as Stat).mode & 0o7777;
	looks = 0;
	t.is(mode(), 0o755);
	mkdirSync(join(dir, "a", "below"));
	t.is((directories.changed(a) as Stat).nlink, 3);
	t.is((directories.stat(a) as Stat).nlink, 3);
	t.is(looks, 2);
	chmodSync(join(dir, "a"), 0o700);
	directories.touched(a);
	t.is(mode(), 0o700);
	t.is(looks, 3);
	directories.letGo(a);
	t.is(directories.stat(a), null);
});
