/** Operations that make, move and remove names. */
import { at, open, rename, type } from "../../../core/replication/errno.ts";
import { calls } from "./calls.ts";
import { folderOf, isErrno, type Kind, nameOf, type Side, shown, slots } from "./side.ts";

const { DIRECTORY, NOFOLLOW, DIRECT } = calls.flags;
const SYNC = 0o4010000;

function node(name: string, kind: number, rdev = 0): Kind {
	return {
		name,
		choose: (c) => {
			const [path, mode] = [nameOf(c), c.below(0o10000)];
			const run = (s: Side) => calls.mknodat(s.root, path, kind | mode, rdev);
			return { text: `${shown(path)} ${mode.toString(8)}`, run };
		},
	};
}

function moving(name: string, flags: number, weight = 1): Kind {
	return {
		name,
		weight,
		choose: (c) => {
			const [from, to] = [nameOf(c), nameOf(c)];
			const run = (s: Side) => calls.renameat2(s.root, from, s.root, to, flags);
			return { text: `${shown(from)} ${shown(to)}`, run };
		},
	};
}

function opening(name: string, flags: number, weight = 1, choosePath = nameOf): Kind {
	return {
		name,
		weight,
		choose: (c) => {
			const [path, slot, mode] = [choosePath(c), c.below(slots), c.of([0o644, 0o600, 0o666, 0o755, 0o4755, 0o2711, 0])];
			return { text: `${slot} ${shown(path)} ${mode.toString(8)}`, run: (s) => s.open(slot, path, flags, mode) };
		},
	};
}

function onName(name: string, run: (side: Side, path: Buffer) => number | string, weight = 1): Kind {
	return {
		name,
		weight,
		choose: (c) => {
			const path = nameOf(c);
			return { text: shown(path), run: (s) => run(s, path) };
		},
	};
}

function listing(s: Side, path: Buffer): number | string {
	const fd = calls.openat(s.root, path, open.RDONLY | DIRECTORY | open.CLOEXEC);
	if (fd < 0) return fd;
	const found: string[] = [];
	for (;;) {
		const batch = calls.getdents(fd);
		if (typeof batch === "number" || batch.length === 0) {
			calls.close(fd);
			return typeof batch === "number" ? batch : found.sort().join(" ");
		}
		for (const entry of batch) found.push(`${entry.name.toString("latin1")}:${entry.type}`);
	}
}

export const nameKinds: readonly Kind[] = [
	{
		name: "mkdir",
		weight: 8,
		choose: (c) => {
			const [path, mode] = [folderOf(c), c.of([0o777, 0o755, 0o700, 0o1777, 0o2775, c.below(0o10000)])];
			return { text: `${shown(path)} ${mode.toString(8)}`, run: (s) => calls.mkdirat(s.root, path, mode) };
		},
	},
	onName("rmdir", (s, path) => calls.unlinkat(s.root, path, at.REMOVEDIR)),
	onName("unlink", (s, path) => calls.unlinkat(s.root, path, 0), 2),
	{
		name: "symlink",
		choose: (c) => {
			const [target, path] = [c.of([nameOf(c), nameOf(c), Buffer.alloc(4000, "l")]), nameOf(c)];
			return { text: `${shown(target)} ${shown(path)}`, run: (s) => calls.symlinkat(target, s.root, path) };
		},
	},
	onName("readlink", (s, path) => {
		const target = calls.readlinkat(s.root, path);
		return typeof target === "number" ? target : target.toString("latin1");
	}),
	node("mknod fifo", type.FIFO),
	node("mknod socket", type.SOCKET),
	node("mknod file", type.FILE),
	node("mknod character device", type.CHARACTER, 0x103),
	node("mknod block device", type.BLOCK, 0xf04d),
	moving("rename", 0, 5),
	moving("rename noreplace", rename.NOREPLACE),
	moving("rename exchange", rename.EXCHANGE, 2),
	{
		name: "link",
		weight: 2,
		choose: (c) => {
			const [from, to] = [nameOf(c), nameOf(c)];
			return { text: `${shown(from)} ${shown(to)}`, run: () => calls.link(from, to) };
		},
	},
	{
		name: "link descriptor",
		weight: 2,
		choose: (c) => {
			const [slot, to] = [c.below(slots), nameOf(c)];
			return { text: `${slot} ${shown(to)}`, run: (s) => s.onOpen(slot, (fd) => calls.linkDescriptor(fd, to)) };
		},
	},
	opening("create", open.RDWR | open.CREAT, 6),
	opening("create exclusive", open.RDWR | open.CREAT | open.EXCL, 2),
	opening("create and truncate", open.RDWR | open.CREAT | open.TRUNC, 2),
	opening("open read", open.RDONLY, 3),
	opening("open write", open.WRONLY, 2),
	opening("open read-write", open.RDWR, 3),
	opening("open truncate", open.RDWR | open.TRUNC),
	opening("open append", open.RDWR | open.CREAT | open.APPEND, 2),
	opening("open direct", open.RDWR | open.CREAT | DIRECT, 2),
	opening("open sync", open.RDWR | open.CREAT | SYNC),
	opening("open dsync", open.RDWR | open.DSYNC),
	opening("open directory", open.RDONLY | DIRECTORY, 1, folderOf),
	opening("open nofollow", open.RDONLY | NOFOLLOW),
	opening("open tmpfile", open.RDWR | open.TMPFILE | DIRECTORY, 2, folderOf),
	opening("open tmpfile exclusive", open.RDWR | open.TMPFILE | DIRECTORY | open.EXCL, 1, folderOf),
	{
		name: "close",
		weight: 3,
		choose: (c) => {
			const slot = c.below(slots);
			return { text: String(slot), run: (s) => s.close(slot) };
		},
	},
	{
		name: "dup",
		choose: (c) => {
			const [from, to] = [c.below(slots), c.below(slots)];
			const copy = (s: Side) => s.onOpen(from, (fd) => s.opened(to, calls.duplicate(fd), s.direct[from]));
			return { text: `${from} ${to}`, run: copy };
		},
	},
	onName("list", listing, 2),
	onName("chdir and list", (s, path) => {
		const fd = calls.openat(s.root, path, open.PATH | DIRECTORY | open.CLOEXEC);
		if (fd < 0) return fd;
		const entered = calls.fchdir(fd);
		const result = isErrno(entered) ? entered : listing(new (s.constructor as typeof Side)(fd), Buffer.from("."));
		calls.close(fd);
		calls.fchdir(s.root);
		return result;
	}),
];
