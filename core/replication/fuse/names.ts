/** Requests that change names. Each is applied underneath first, then handed to the sink as its result. */
import { at, errno, open, rename as renameFlag, type } from "../errno.ts";
import { inheritAcl } from "../local/acl.ts";
import { type Making, makeFile } from "../local/make.ts";
import { isDirectory, isRegular } from "../local/tree.ts";
import type { FileRef, Operation, ParentAfter } from "../operation.ts";
import type { Or, Stat } from "../system.ts";
import { afterChange, nowNs, openFlags, replyFlags } from "./files.ts";
import { entryReply, nameAt, openReplyBody, type Request } from "./protocol.ts";
import type { FuseSession } from "./session.ts";

export function mknod(s: FuseSession, r: Request) {
	const mode = r.body.readUInt32LE(0);
	const umask = r.body.readUInt32LE(8);
	make(s, r, nameAt(r.body, 16), {
		mode: isTyped(mode) ? mode : mode | type.FILE,
		umask,
		rdev: r.body.readUInt32LE(4),
	});
}

function isTyped(mode: number): boolean {
	return (mode & type.MASK) !== 0;
}

export function mkdir(s: FuseSession, r: Request) {
	const umask = r.body.readUInt32LE(4);
	make(s, r, nameAt(r.body, 8), { mode: type.DIRECTORY | (r.body.readUInt32LE(0) & 0o7777), umask, rdev: 0 });
}

export function symlink(s: FuseSession, r: Request) {
	const name = nameAt(r.body, 0);
	make(s, r, name, { mode: type.LINK | 0o777, umask: 0, rdev: 0, target: nameAt(r.body, name.length + 1) });
}

/** What the caller wants. `umask` counts only where the kernel leaves it to us. */
export type Wanted = Pick<Making, "mode" | "rdev" | "target"> & { umask: number };

export interface MadeEntry {
	ref: FileRef;
	fd: number;
	stat: Stat;
	operations: Operation[];
}

function make(s: FuseSession, r: Request, name: Buffer, what: Wanted) {
	const parent = s.ref(r.node);
	const made = s.inDirectory(parent, (fd) => makeIn(s, r, fd, name, what));
	if (typeof made === "number") return s.fail(r, made);
	s.system.close(made.fd);
	s.handedOut(parent, name, made.ref, made.stat);
	// What was made, not the directory: its id and owner came after the entry, and its sync holds the entry too.
	s.submit(r, made.operations, made.ref, () =>
		s.device.answerWith(r.unique, entryReply(s.node(made.ref), made.stat, s.validS)),
	);
}

/** Owner, mode and lists of something new: they follow the directory as on any Linux file system. */
export function dressed(s: FuseSession, r: Request, parentFd: number, what: Wanted): Or<Omit<Making, "id">> {
	const directory = s.directory(s.ref(r.node), parentFd);
	if (typeof directory === "number") return directory;
	const inherits = (directory.mode & 0o2000) !== 0;
	const { umask, ...rest } = what;
	const mode = inherits && isDirectory(what.mode) ? what.mode | 0o2000 : what.mode;
	const making = { ...rest, mode, uid: r.uid, gid: inherits ? directory.gid : r.gid };
	if (!s.tree.acl || (mode & type.MASK) === type.LINK) return making;
	const list = s.tree.defaultLists.of(s.ref(r.node), parentFd);
	if (typeof list === "number") return list;
	return list === null ? { ...making, mode: mode & ~umask } : { ...making, ...inheritAcl(list, mode) };
}

/** What the peer has to make. */
export function nodeOf({ mode, uid, gid, rdev, acls }: Omit<Making, "id">, { atimeNs, mtimeNs }: Stat) {
	const node = { mode, uid, gid, rdev, times: { atimeNs, mtimeNs } };
	return acls === undefined ? { node } : { node, acls };
}

/** Makes an entry in an open directory. */
function makeIn(s: FuseSession, r: Request, parentFd: number, name: Buffer, what: Wanted): Or<MadeEntry> {
	const parent = s.ref(r.node);
	if (s.tree.isPrivate(parent, name)) return -errno.EACCES;
	const making = dressed(s, r, parentFd, what);
	if (typeof making === "number") return making;
	const local = s.locals.isLocalName(parent, name, isDirectory(what.mode));
	const id = local ? null : s.sink.nextId();
	s.intents.begin(r.unique, { id });
	const made = makeFile(s.tree, parentFd, name, { ...making, id, directory: parent });
	if (typeof made === "number") return made;
	const stat = s.system.stat(made.fd, "");
	if (typeof stat === "number") {
		s.system.close(made.fd);
		s.system.unlinkat(parentFd, name, isDirectory(what.mode) ? at.REMOVEDIR : 0);
		return stat;
	}
	const after = parentAfter(s, parent, parentFd);
	const target = what.target === undefined ? {} : { target: what.target };
	const operations: Operation[] =
		id === null ? [] : [{ op: "make", parent, name, file: made.ref, id, ...nodeOf(making, stat), ...target, after }];
	return { ...made, stat, operations };
}

/** What a directory is like after its entries were changed: the peer gets its time. */
export function parentAfter(s: FuseSession, parent: FileRef, parentFd: number): ParentAfter {
	const stat = s.directoryAfter(parent, parentFd);
	return { mtimeNs: typeof stat === "number" ? nowNs() : stat.mtimeNs };
}

/** Creates and opens. The kernel asks only for names that it believes are free; one that exists after all is opened. */
export function create(s: FuseSession, r: Request) {
	const [flags, mode] = [r.body.readUInt32LE(0), r.body.readUInt32LE(4)];
	const [parent, name] = [s.ref(r.node), nameAt(r.body, 16)];
	const what = { mode: type.FILE | (mode & 0o7777), umask: r.body.readUInt32LE(8), rdev: 0 };
	const result = s.inDirectory(parent, (fd): Or<MadeEntry> => {
		const made = makeIn(s, r, fd, name, what);
		return made === -errno.EEXIST && (flags & open.EXCL) === 0 ? openExisting(s, fd, parent, name, flags) : made;
	});
	if (typeof result === "number") return s.fail(r, result);
	s.handedOut(parent, name, result.ref, result.stat);
	answerOpened(s, r, result, flags);
}

/** Hands a file that was made (or found) to its caller, open. */
export function answerOpened(s: FuseSession, r: Request, result: MadeEntry, flags: number) {
	const how = { directIo: !s.writable, synced: (flags & open.DSYNC) !== 0 };
	const handle = s.opened(r, { fd: result.fd, ref: result.ref, flags: open.RDWR, directory: false, ...how });
	if (handle < 0) return s.fail(r, handle);
	const reply = Buffer.concat([
		entryReply(s.node(result.ref), result.stat, s.validS),
		openReplyBody(handle, replyFlags(s, result.ref)),
	]);
	const undo = () => {
		s.handles.remove(BigInt(handle));
		s.system.close(result.fd);
	};
	s.submit(r, result.operations, result.ref, () => s.device.answerWith(r.unique, reply), undo);
}

function openExisting(s: FuseSession, parentFd: number, parent: FileRef, name: Buffer, flags: number): Or<MadeEntry> {
	const found = s.entry(parentFd, parent, name);
	if (typeof found === "number") return found;
	if (!isRegular(found.stat.mode)) return -errno.EEXIST;
	const fd = s.tree.open(found.ref, openFlags(s.system, flags));
	if (fd < 0) return fd;
	const made: MadeEntry = { ...found, fd, operations: [] };
	if ((flags & open.TRUNC) === 0) return made;
	const result = s.system.ftruncate(fd, 0);
	if (result < 0) {
		s.system.close(fd);
		return result;
	}
	const { mtimeNs } = afterChange(s.system, fd);
	if (!s.locals.isLocalName(parent, name, false)) {
		made.operations.push({ op: "truncate", file: found.ref, size: 0n, mtimeNs });
	}
	return { ...made, stat: { ...found.stat, size: 0, blocks: 0, mtimeNs } };
}

export function link(s: FuseSession, r: Request) {
	const [file, parent, name] = [s.ref(r.body.readBigUInt64LE(0)), s.ref(r.node), nameAt(r.body, 8)];
	if (s.tree.isPrivate(parent, name)) return s.fail(r, errno.EACCES);
	const local = s.locals.isLocalName(parent, name, false);
	if (local !== s.locals.has(file)) return s.fail(r, errno.EXDEV);
	// The kernel lets no file without a name be linked but one that was made so (O_TMPFILE).
	const unnamed = s.kept.has(file);
	const result = s.inDirectory(parent, (dirFd) =>
		s.tree.with<{ stat: Stat; after: ParentAfter }>(file, (fd) => {
			s.intents.begin(r.unique, { file });
			const linked = unnamed ? s.tree.nameKept(file, dirFd, name) : s.system.linkFd(fd, dirFd, name);
			if (linked < 0) return linked;
			if (unnamed) s.kept.delete(file);
			const stat = s.system.stat(fd, "");
			if (typeof stat === "number") s.system.unlinkat(dirFd, name, 0);
			return typeof stat === "number" ? stat : { stat, after: parentAfter(s, parent, dirFd) };
		}),
	);
	if (typeof result === "number") return s.fail(r, result);
	s.submit(r, local ? [] : [{ op: "link", file, parent, name, unnamed, after: result.after }], parent, () =>
		s.device.answerWith(r.unique, entryReply(s.node(file), result.stat, s.validS)),
	);
	// Only now: until then the older name is the one that the peer knows.
	s.handedOut(parent, name, file, result.stat);
}

/** The last name of an open file goes to `.opensafe/open` (replication.md §5.2). */
export function unlink(s: FuseSession, r: Request) {
	const [parent, name] = [s.ref(r.node), nameAt(r.body, 0)];
	const result = s.inDirectory(parent, (dirFd): Or<{ operations: Operation[] }> => {
		const found = s.entry(dirFd, parent, name);
		if (typeof found === "number") return found;
		const file = found.ref;
		const keep = mustKeep(s, file, found.stat);
		s.intents.begin(r.unique, { file });
		const removed = keep ? s.tree.keepByMove(dirFd, name, file) : s.system.unlinkat(dirFd, name, 0);
		if (removed < 0) return removed;
		if (keep) s.kept.add(file);
		else if (isLast(found.stat)) s.removed(file, found.stat);
		if (s.locals.isLocalName(parent, name, false)) return { operations: [] };
		return { operations: [{ op: "unlink", parent, name, file, keep, after: parentAfter(s, parent, dirFd) }] };
	});
	if (typeof result === "number") return s.fail(r, result);
	s.submit(r, result.operations, parent, () => s.device.answer(r.unique, 0));
}

function isLast(stat: Stat): boolean {
	return stat.nlink === 1 || isDirectory(stat.mode);
}

function mustKeep(s: FuseSession, file: FileRef, stat: Stat): boolean {
	return stat.nlink === 1 && s.handles.isOpen(file);
}

export function rmdir(s: FuseSession, r: Request) {
	const [parent, name] = [s.ref(r.node), nameAt(r.body, 0)];
	if (s.tree.isPrivate(parent, name)) return s.fail(r, errno.ENOENT);
	const after = s.inDirectory(parent, (dirFd): Or<ParentAfter> => {
		const found = s.entry(dirFd, parent, name);
		if (typeof found !== "number") s.intents.begin(r.unique, { file: found.ref });
		const removed = s.system.unlinkat(dirFd, name, at.REMOVEDIR);
		if (removed < 0) return removed;
		if (typeof found !== "number") s.removed(found.ref, found.stat);
		return parentAfter(s, parent, dirFd);
	});
	if (typeof after === "number") return s.fail(r, after);
	const local = s.locals.isLocalName(parent, name, true);
	s.submit(r, local ? [] : [{ op: "rmdir", parent, name, after }], parent, () => s.device.answer(r.unique, 0));
}

export function rename(s: FuseSession, r: Request) {
	move(s, r, 8, 0);
}

export function rename2(s: FuseSession, r: Request) {
	move(s, r, 16, r.body.readUInt32LE(8));
}

function move(s: FuseSession, r: Request, start: number, flags: number) {
	const [parent, newParent] = [s.ref(r.node), s.ref(r.body.readBigUInt64LE(0))];
	const name = nameAt(r.body, start);
	const newName = nameAt(r.body, start + name.length + 1);
	if (s.tree.isPrivate(newParent, newName)) return s.fail(r, errno.EACCES);
	if ((flags & ~(renameFlag.NOREPLACE | renameFlag.EXCHANGE)) !== 0) return s.fail(r, errno.EINVAL);
	const result = s.inDirectory(parent, (dirFd) =>
		s.inDirectory(newParent, (newFd) =>
			moveIn(s, { unique: r.unique, parent, dirFd, name, newParent, newFd, newName, flags }),
		),
	);
	if (typeof result === "number") return s.fail(r, result);
	s.submit(r, result.operations, newParent, () => s.device.answer(r.unique, 0));
}

interface Move {
	unique: bigint;
	parent: FileRef;
	dirFd: number;
	name: Buffer;
	newParent: FileRef;
	newFd: number;
	newName: Buffer;
	flags: number;
}

function moveIn(s: FuseSession, m: Move): Or<{ operations: Operation[] }> {
	const source = s.entry(m.dirFd, m.parent, m.name);
	if (typeof source === "number") return source;
	const local = crossing(s, m, source);
	if (typeof local === "number") return local;
	const target = s.entry(m.newFd, m.newParent, m.newName);
	if ((m.flags & renameFlag.EXCHANGE) !== 0 && typeof target !== "number") {
		const back = crossing(s, m, target);
		if (typeof back === "number") return back;
		// A directory that is replicated and a file that is not may have the same name by the same rules.
		if (back.local !== local.local) return -errno.EXDEV;
	}
	const replaced = typeof target === "number" || m.flags !== 0 || target.ref === source.ref ? null : target;
	const keep = replaced !== null && mustKeep(s, replaced.ref, replaced.stat) ? replaced.ref : null;
	s.intents.begin(m.unique, { file: source.ref, other: typeof target === "number" ? 0n : target.ref });
	if (keep !== null) {
		const kept = s.tree.keepByLink(keep);
		if (kept < 0) return kept;
	}
	const moved = s.system.renameat2(m.dirFd, m.name, m.newFd, m.newName, m.flags);
	if (moved < 0) {
		if (keep !== null) s.tree.dropKept(keep);
		return moved;
	}
	for (const moved of typeof target === "number" ? [source] : [source, target]) s.touched(moved.ref);
	if (keep !== null) s.kept.add(keep);
	else if (replaced !== null && isLast(replaced.stat)) s.removed(replaced.ref, replaced.stat);
	if (local.local) return { operations: [] };
	const { parent, name, newParent, newName, flags } = m;
	s.names.note(source.ref, newParent, newName);
	const [after, newAfter] = [parentAfter(s, parent, m.dirFd), parentAfter(s, newParent, m.newFd)];
	return { operations: [{ op: "rename", parent, name, newParent, newName, flags, keep, after, newAfter }] };
}

/** −EXDEV when the name leaves or enters what is replicated: the caller (mv) then copies, which is right. */
function crossing(s: FuseSession, m: Move, source: { ref: FileRef; stat: Stat }): Or<{ local: boolean }> {
	const directory = isDirectory(source.stat.mode);
	const local = s.locals.isLocalName(m.parent, m.name, directory);
	if (local !== s.locals.isLocalName(m.newParent, m.newName, directory)) return -errno.EXDEV;
	return directory && s.locals.isBoundary(source.ref) ? -errno.EXDEV : { local };
}
