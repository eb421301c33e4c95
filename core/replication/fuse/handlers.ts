/** Which function answers which request, and which of them change something. */
import { removexattr, setattr, setxattr } from "./attributes.ts";
import { copyFileRange } from "./copies.ts";
import { fallocate, fsync, lseek, openFile, release, write } from "./files.ts";
import {
	batchForget,
	forget,
	getattr,
	getxattr,
	listxattr,
	lookup,
	opendir,
	readdir,
	readdirplus,
	readlink,
	releasedir,
	statfs,
} from "./lookups.ts";
import { create, link, mkdir, mknod, rename, rename2, rmdir, symlink, unlink } from "./names.ts";
import { opcode, type Request } from "./protocol.ts";
import { read } from "./reads.ts";
import type { FuseSession } from "./session.ts";
import { tmpfile } from "./unnamed.ts";

interface Handler {
	run: (session: FuseSession, request: Request) => void;
	/** `change`: asks the gate first. `sync`: waits with changes, but decides itself what an error of the gate means. */
	gated?: "change" | "sync";
}

/** Requests that no function answers get ENOSYS, after which the kernel does without (FLUSH, ACCESS, POLL, IOCTL, BMAP…). */
export const handlers: ReadonlyMap<number, Handler> = new Map<number, Handler>([
	[opcode.LOOKUP, { run: lookup }],
	[opcode.FORGET, { run: forget }],
	[opcode.BATCH_FORGET, { run: batchForget }],
	[opcode.GETATTR, { run: getattr }],
	[opcode.READLINK, { run: readlink }],
	[opcode.STATFS, { run: statfs }],
	[opcode.OPENDIR, { run: opendir }],
	[opcode.READDIR, { run: readdir }],
	[opcode.READDIRPLUS, { run: readdirplus }],
	[opcode.RELEASEDIR, { run: releasedir }],
	[opcode.GETXATTR, { run: getxattr }],
	[opcode.LISTXATTR, { run: listxattr }],
	[opcode.OPEN, { run: openFile }],
	[opcode.READ, { run: read }],
	[opcode.LSEEK, { run: lseek }],
	[opcode.RELEASE, { run: release }],
	[opcode.FSYNC, { run: fsync, gated: "sync" }],
	[opcode.FSYNCDIR, { run: fsync, gated: "sync" }],
	[opcode.SETATTR, { run: setattr, gated: "change" }],
	[opcode.SETXATTR, { run: setxattr, gated: "change" }],
	[opcode.REMOVEXATTR, { run: removexattr, gated: "change" }],
	[opcode.MKNOD, { run: mknod, gated: "change" }],
	[opcode.MKDIR, { run: mkdir, gated: "change" }],
	[opcode.SYMLINK, { run: symlink, gated: "change" }],
	[opcode.CREATE, { run: create, gated: "change" }],
	[opcode.LINK, { run: link, gated: "change" }],
	[opcode.UNLINK, { run: unlink, gated: "change" }],
	[opcode.RMDIR, { run: rmdir, gated: "change" }],
	[opcode.RENAME, { run: rename, gated: "change" }],
	[opcode.RENAME2, { run: rename2, gated: "change" }],
	[opcode.WRITE, { run: write, gated: "change" }],
	[opcode.FALLOCATE, { run: fallocate, gated: "change" }],
	[opcode.COPY_FILE_RANGE, { run: copyFileRange, gated: "change" }],
	[opcode.COPY_FILE_RANGE_64, { run: copyFileRange, gated: "change" }],
	[opcode.TMPFILE, { run: tmpfile, gated: "change" }],
]);
