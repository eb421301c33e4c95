/**
 * Requests that the kernel sends again because the process that had them died (replication.md §5.9): what was applied
 * is answered and not done twice; what may have been is decided by looking, since nobody else changes the tree.
 * Its peer learns of it by the repair that begins the next session.
 */
import { at, errno, falloc, open, rename as renameFlag } from "../errno.ts";
import { isDirectory, isRegular } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";
import type { Or, Stat } from "../system.ts";
import { replyFlags } from "./files.ts";
import type { Recalled } from "./intents.ts";
import { parentAfter } from "./names.ts";
import {
	attrReply,
	entryReply,
	nameAt,
	numberReply,
	offsetReply,
	opcode,
	openReplyBody,
	type Request,
} from "./protocol.ts";
import type { FuseSession } from "./session.ts";

/** True: it is answered. False: it was not applied, and has to be. */
export function answeredAgain(s: FuseSession, r: Request, known: Recalled): boolean {
	if (!known.applied && !wasApplied(s, r, known)) return false;
	s.intents.applied(r.unique, known.result);
	// With async="none" the sync may be what was missing.
	if (!s.durable) answer(s, r, known);
	else s.syncFile(syncedBy(s, r), false, (failed) => (failed === 0 ? answer(s, r, known) : s.fail(r, failed)));
	return true;
}

function syncedBy(s: FuseSession, r: Request): FileRef {
	const made = find(s, r, nameOf(r));
	return made?.ref ?? s.ref(r.node);
}

const making: readonly number[] = [opcode.MKNOD, opcode.MKDIR, opcode.SYMLINK, opcode.LINK, opcode.CREATE];

function answer(s: FuseSession, r: Request, known: Recalled): void {
	const body = r.opcode === opcode.TMPFILE ? unnamed(s, r) : making.includes(r.opcode) ? made(s, r) : told(s, r, known);
	if (typeof body === "number") s.fail(r, body);
	else if (body === null) s.device.answer(r.unique, 0);
	else s.device.answerWith(r.unique, body);
}

/** What a change of this kind is answered with, null: nothing more to say. */
function told(s: FuseSession, r: Request, known: Recalled): Or<Buffer> | null {
	if (r.opcode === opcode.WRITE || r.opcode === opcode.COPY_FILE_RANGE) return numberReply(known.result);
	if (r.opcode === opcode.COPY_FILE_RANGE_64) return offsetReply(known.result);
	if (r.opcode !== opcode.SETATTR) return null;
	const stat = s.stat(s.ref(r.node));
	return typeof stat === "number" ? stat : attrReply(stat, s.validS);
}

function unnamed(s: FuseSession, r: Request): Or<Buffer> {
	const opened = s.handles.openedBy(r.unique);
	const stat = opened === null ? -errno.EIO : s.stat(opened.file.ref);
	if (opened === null || typeof stat === "number") return -errno.EIO;
	return Buffer.concat([
		entryReply(s.node(opened.file.ref), stat, s.validS),
		openReplyBody(opened.handle, replyFlags(s, opened.file.ref)),
	]);
}

function made(s: FuseSession, r: Request): Or<Buffer> {
	const [parent, name] = [s.ref(r.node), nameOf(r)];
	const found = find(s, r, name);
	if (found === null || name === null) return -errno.ENOENT;
	s.handedOut(parent, name, found.ref, found.stat);
	const entry = entryReply(s.node(found.ref), found.stat, s.validS);
	if (r.opcode !== opcode.CREATE) return entry;
	const fd = s.tree.open(found.ref, open.RDWR);
	if (fd < 0) return fd;
	const how = { directIo: !s.writable, synced: (r.body.readUInt32LE(0) & open.DSYNC) !== 0 };
	const handle = s.opened(r, { fd, ref: found.ref, flags: open.RDWR, directory: false, ...how });
	return handle < 0 ? handle : Buffer.concat([entry, openReplyBody(handle, replyFlags(s, found.ref))]);
}

/** The name that a request is about, null when it is about none. */
function nameOf(r: Request): Buffer | null {
	switch (r.opcode) {
		case opcode.SYMLINK:
		case opcode.UNLINK:
		case opcode.RMDIR:
			return nameAt(r.body, 0);
		case opcode.MKDIR:
		case opcode.LINK:
		case opcode.RENAME:
			return nameAt(r.body, 8);
		case opcode.MKNOD:
		case opcode.CREATE:
		case opcode.RENAME2:
			return nameAt(r.body, 16);
		default:
			return null;
	}
}

function find(
	s: FuseSession,
	r: Request,
	name: Buffer | null,
	parent = s.ref(r.node),
): { ref: FileRef; stat: Stat } | null {
	if (name === null) return null;
	const found = s.tree.with(parent, (fd) => s.entry(fd, parent, name));
	return typeof found === "number" ? null : found;
}

/** What was begun and not recorded as done: it died in the middle of it. */
function wasApplied(s: FuseSession, r: Request, known: Recalled): boolean {
	switch (r.opcode) {
		case opcode.MKNOD:
		case opcode.MKDIR:
		case opcode.SYMLINK:
		case opcode.CREATE:
			unmake(s, r, known);
			return false;
		case opcode.LINK:
			return find(s, r, nameOf(r))?.ref === known.file;
		case opcode.UNLINK:
		case opcode.RMDIR:
			return find(s, r, nameOf(r))?.ref !== known.file;
		case opcode.RENAME:
		case opcode.RENAME2:
			return wasMoved(s, r, known);
		case opcode.FALLOCATE:
			return wasResized(s, r, known);
		case opcode.SETXATTR:
			return hasAttribute(s, r, known);
		case opcode.REMOVEXATTR:
			return s.tree.with(known.file, (fd) => s.system.getxattr(fd, nameAt(r.body, 0))) === -errno.ENODATA;
		default:
			return false;
	}
}

/**
 * What was made but perhaps not finished (its id, owner and mode come after it) is taken away, and made anew: nobody
 * here has seen it, since the kernel keeps its directory locked until it has the answer. A copy of the session that
 * began meanwhile may have brought it to the other server.
 */
function unmake(s: FuseSession, r: Request, known: Recalled): void {
	const [parent, name] = [s.ref(r.node), nameOf(r)];
	const made = find(s, r, name);
	if (made === null || name === null || !isOurs(s, made, known)) return;
	const isFolder = isDirectory(made.stat.mode);
	const after = s.inDirectory(parent, (fd) => {
		const removed = s.system.unlinkat(fd, name, isFolder ? at.REMOVEDIR : 0);
		return removed < 0 ? removed : parentAfter(s, parent, fd);
	});
	if (typeof after === "number" || s.locals.isLocalName(parent, name, isFolder)) return;
	const gone = { parent, name, after };
	const submitted = isFolder
		? ({ op: "rmdir", ...gone } as const)
		: ({ op: "unlink", ...gone, file: made.ref, keep: false } as const);
	s.sink.submit(submitted, () => undefined);
}

function isOurs(s: FuseSession, made: { ref: FileRef; stat: Stat }, known: Recalled): boolean {
	const id = s.tree.idOf(made.ref);
	if (typeof id === "string") {
		const [term, , seq] = id.split(".").map(BigInt);
		if (term === known.idTerm && seq === known.idSeq) return true;
		// One of a later term is from a copy that found the file without any.
		if (known.idTerm === 0n || (term ?? 0n) <= known.idTerm) return false;
	}
	// Without an id it died right after making it, or it is not replicated: empty, and no older than the intent.
	const { stat } = made;
	const isBare = !isRegular(stat.mode) || (stat.size === 0 && stat.nlink === 1);
	return isBare && stat.ctimeNs >= known.timeNs - clockStepNs;
}

/** File times come from a coarser clock. */
const clockStepNs = 20_000_000n;

function wasMoved(s: FuseSession, r: Request, known: Recalled): boolean {
	const name = nameOf(r);
	if (name === null) return false;
	const start = r.opcode === opcode.RENAME ? 8 : 16;
	const flags = r.opcode === opcode.RENAME ? 0 : r.body.readUInt32LE(8);
	const newName = nameAt(r.body, start + name.length + 1);
	const source = find(s, r, name)?.ref ?? 0n;
	const target = find(s, r, newName, s.ref(r.body.readBigUInt64LE(0)))?.ref ?? 0n;
	if ((flags & renameFlag.EXCHANGE) !== 0) return target === known.file && source === known.other;
	return target === known.file && source !== known.file;
}

function wasResized(s: FuseSession, r: Request, known: Recalled): boolean {
	const stat = s.tree.stat(known.file);
	if (typeof stat === "number") return false;
	const [length, mode] = [r.body.readBigUInt64LE(16), r.body.readUInt32LE(24)];
	if ((mode & falloc.INSERT) !== 0) return BigInt(stat.size) === known.size + length;
	return BigInt(stat.size) === known.size - length;
}

function hasAttribute(s: FuseSession, r: Request, known: Recalled): boolean {
	const name = nameAt(r.body, 8);
	const start = 8 + name.length + 1;
	const value = s.tree.with(known.file, (fd) => s.system.getxattr(fd, name));
	return typeof value !== "number" && value.equals(r.body.subarray(start, start + r.body.readUInt32LE(0)));
}
