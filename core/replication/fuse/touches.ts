/**
 * What each kind of request changes, named before it is applied (replication.md §5.4). Answered true when marks that
 * cover it are on disk. All that a request touches is asked for at once, so that it waits for one write, not for two.
 */
import { falloc, rename as renameFlag } from "../errno.ts";
import { isDirectory } from "../local/tree.ts";
import type { Coverage, FileRef } from "../operation.ts";
import { maxWrite, nameAt, opcode, type Request, setattr as valid } from "./protocol.ts";
import type { FuseSession } from "./session.ts";

export type Touches = (session: FuseSession, request: Request, marks: Coverage) => boolean;

const inDirectory: Touches = (s, r, marks) => {
	const parent = s.ref(r.node);
	return s.locals.has(parent) || marks.entries(parent);
};

const attributes: Touches = (s, r, marks) => {
	const file = s.ref(r.node);
	return s.locals.has(file) || marks.attributes(file);
};

const write: Touches = (s, r, marks) => {
	const file = s.ref(r.node);
	if (s.locals.has(file)) return true;
	const from = r.body.readBigUInt64LE(8);
	return marks.content(file, from, from + BigInt(r.body.readUInt32LE(16)));
};

/** A file that is cut off loses content; one that grows gets a hole. */
const setattr: Touches = (s, r, marks) => {
	const file = s.ref(r.node);
	if (s.locals.has(file)) return true;
	const covered = marks.attributes(file);
	if ((r.body.readUInt32LE(0) & valid.SIZE) === 0) return covered;
	const stat = s.tree.stat(file);
	const [from, to] = [r.body.readBigUInt64LE(16), typeof stat === "number" ? 0n : BigInt(stat.size)];
	return (from >= to || marks.content(file, from, to)) && covered;
};

/** Space that is only reserved changes no content. */
const fallocate: Touches = (s, r, marks) => {
	const file = s.ref(r.node);
	if (s.locals.has(file)) return true;
	const [from, length, mode] = [r.body.readBigUInt64LE(8), r.body.readBigUInt64LE(16), r.body.readUInt32LE(24)];
	if ((mode & ~falloc.KEEP_SIZE) === 0) return marks.attributes(file);
	const moves = (mode & (falloc.COLLAPSE | falloc.INSERT)) !== 0;
	const stat = moves ? s.tree.stat(file) : 0;
	const size = typeof stat === "number" ? 0n : BigInt(stat.size);
	return marks.content(file, from, (size > from ? size : from) + length);
};

/** What is copied from stays as it is. */
const copy: Touches = (s, r, marks) => {
	const file = s.ref(r.body.readBigUInt64LE(16));
	if (s.locals.has(file)) return true;
	const [from, length] = [r.body.readBigUInt64LE(32), r.body.readBigUInt64LE(40)];
	return marks.content(file, from, from + (length < BigInt(maxWrite) ? length : BigInt(maxWrite)));
};

/** What has no name is in no directory that is compared: its first name is marked when it is linked. */
const nowhere: Touches = () => true;

const link: Touches = (s, r, marks) => {
	const [file, parent] = [s.ref(r.body.readBigUInt64LE(0)), s.ref(r.node)];
	if (s.locals.has(file)) return true;
	const covered = marks.entries(parent);
	return marks.linked(file, parent) && covered;
};

function moved(start: number, flagsOf: (r: Request) => number): Touches {
	return (s, r, marks) => {
		const [parent, newParent] = [s.ref(r.node), s.ref(r.body.readBigUInt64LE(0))];
		if (s.locals.has(parent)) return true;
		const covered = marks.entries(parent);
		if (parent === newParent && !marks.followsMoves) return covered;
		const both = marks.entries(newParent) && covered;
		const name = nameAt(r.body, start);
		const out = leaves(s, marks, { parent, name, to: newParent });
		if ((flagsOf(r) & renameFlag.EXCHANGE) === 0) return both && out;
		const newName = nameAt(r.body, start + name.length + 1);
		return leaves(s, marks, { parent: newParent, name: newName, to: parent }) && both && out;
	};
}

/** A file that its directory's mark covers gets one of its own before it is elsewhere. */
function leaves(
	s: FuseSession,
	marks: Coverage,
	{ parent, name, to }: { parent: FileRef; name: Buffer; to: FileRef },
): boolean {
	if (!marks.mayBeYoung(parent)) return true;
	const found = s.inDirectory(parent, (fd) => s.entry(fd, parent, name));
	if (typeof found === "number") return true;
	return isDirectory(found.stat.mode) ? marks.moves(found.ref) : marks.leaves(found.ref, parent, to);
}

export const touches: ReadonlyMap<number, Touches> = new Map<number, Touches>([
	[opcode.SETATTR, setattr],
	[opcode.SETXATTR, attributes],
	[opcode.REMOVEXATTR, attributes],
	[opcode.MKNOD, inDirectory],
	[opcode.MKDIR, inDirectory],
	[opcode.SYMLINK, inDirectory],
	[opcode.CREATE, inDirectory],
	[opcode.LINK, link],
	[opcode.UNLINK, inDirectory],
	[opcode.RMDIR, inDirectory],
	[opcode.RENAME, moved(8, () => 0)],
	[opcode.RENAME2, moved(16, (r) => r.body.readUInt32LE(8))],
	[opcode.WRITE, write],
	[opcode.FALLOCATE, fallocate],
	[opcode.COPY_FILE_RANGE, copy],
	[opcode.COPY_FILE_RANGE_64, copy],
	[opcode.TMPFILE, nowhere],
]);
