/** The tree underneath: references, ids, the private folder, what is refused. */
import {
	chmodSync,
	copyFileSync,
	linkSync,
	mkdirSync,
	readdirSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { errno, open } from "../../../core/replication/errno.ts";
import { decodeIdentity, encodeIdentity, parseFileId } from "../../../core/replication/local/identity.ts";
import { makeFile } from "../../../core/replication/local/make.ts";
import { checkDirectory, openTree } from "../../../core/replication/local/setup.ts";
import type { Tree } from "../../../core/replication/local/tree.ts";
import { diskFolder, makeTestFolder } from "../../folder.ts";

const folder = makeTestFolder("tree", diskFolder);
test.after.always(() => rmSync(folder, { recursive: true }));

function freshTree(name: string): { tree: Tree; path: string } {
	const path = join(folder, name);
	mkdirSync(path);
	return { tree: openTree(system, path), path };
}

test("a file is found by its reference, whatever its name", (t) => {
	const { tree, path } = freshTree("refs");
	writeFileSync(join(path, "a"), "content");
	const ref = tree.refAt(tree.rootFd, "a");
	if (typeof ref === "number") return t.fail(String(ref));
	linkSync(join(path, "a"), join(path, "b"));
	rmSync(join(path, "a"));
	const fd = tree.open(ref, open.RDONLY);
	const buffer = Buffer.alloc(7);
	t.is(system.read(fd, buffer), 7);
	t.is(buffer.toString(), "content");
	system.close(fd);
	rmSync(join(path, "b"));
	t.is(tree.open(ref, open.RDONLY), -errno.ESTALE);
	t.is(tree.openPath(tree.rootRef) > 0, true);
	tree.close();
});

test("ids stay with their inode, and a copy made by hand has none", (t) => {
	const { tree, path } = freshTree("ids");
	const made = makeFile(tree, tree.rootFd, "one", { mode: 0o104755, uid: 7, gid: 8, rdev: 0, id: "12.1.34567" });
	if (typeof made === "number") return t.fail(String(made));
	t.is(tree.idOfFd(made.fd, made.ref), "12.1.34567");
	const stat = statSync(join(path, "one"));
	t.deepEqual([stat.mode, stat.uid, stat.gid], [0o104755, 7, 8]);
	const bytes = system.getxattr(made.fd, "trusted.o") as Buffer;
	t.is(bytes.length, 32);
	copyFileSync(join(path, "one"), join(path, "copy"));
	const copy = tree.refAt(tree.rootFd, "copy") as bigint;
	t.is(tree.idOf(copy), null);
	t.is(
		tree.with<never>(copy, (fd) => system.setxattr(fd, "trusted.o", bytes, 0)),
		0,
	);
	t.is(tree.idOf(copy), null, "void: it names another inode");
	system.close(made.fd);
	tree.close();
});

test("identity bytes", (t) => {
	const ref = (0xfedcba98n << 32n) | 77n;
	const id = `${2 ** 48 - 1}.0.${2n ** 64n - 1n}`;
	t.is(decodeIdentity(ref, encodeIdentity(ref, id)), id);
	const damaged = encodeIdentity(ref, id);
	damaged[20] = (damaged[20] as number) ^ 1;
	t.is(decodeIdentity(ref, damaged), null);
	t.is(decodeIdentity(ref, Buffer.alloc(31)), null);
	t.throws(() => parseFileId("1.2.3"), { instanceOf: RangeError });
	t.throws(() => parseFileId("999999999999999.0.3"), { instanceOf: RangeError });
});

test("the private folder: made once, 0700, never listed, its open files emptied", (t) => {
	const { tree, path } = freshTree("private");
	t.is(statSync(join(path, ".opensafe")).mode & 0o777, 0o700);
	t.deepEqual(readdirSync(join(path, ".opensafe")).sort(), ["limbo", "open", "quarantine"]);
	writeFileSync(join(path, "x"), "");
	mkdirSync(join(path, "d"));
	writeFileSync(join(path, "d", ".opensafe"), "only the root's is private");
	const names = (ref: bigint) => (tree.list(ref) as { name: Buffer }[]).map((entry) => String(entry.name)).sort();
	t.deepEqual(names(tree.rootRef), ["d", "x"]);
	t.deepEqual(names(tree.refAt(tree.rootFd, "d") as bigint), [".opensafe"]);
	const ref = tree.refAt(tree.rootFd, "x") as bigint;
	t.is(tree.keepByLink(ref), 0);
	t.is(tree.keepByLink(ref), 0, "given twice, done once");
	t.is(readdirSync(join(path, ".opensafe", "open")).length, 1);
	t.is(tree.emptyKept(), 0);
	t.is(readdirSync(join(path, ".opensafe", "open")).length, 0);
	tree.close();
	openTree(system, path).close();
});

test("what cannot be replicated is refused, and nothing is left behind", (t) => {
	t.throws(() => openTree(system, "/proc"), { code: "REPLICATION_FILE_SYSTEM", message: /\/proc.*0x9fa0/ });
	t.throws(() => checkDirectory(system, join(folder, "missing")), { code: "REPLICATION_DIRECTORY", message: /ENOENT/ });
	const good = join(folder, "good");
	mkdirSync(good);
	checkDirectory(system, good);
	t.deepEqual(readdirSync(good), []);
	const link = join(folder, "linked");
	mkdirSync(link);
	symlinkSync("/etc", join(link, ".opensafe"));
	t.throws(() => openTree(system, link), { code: "REPLICATION_DIRECTORY", message: /not a folder/ });
	chmodSync(good, 0o755);
});
