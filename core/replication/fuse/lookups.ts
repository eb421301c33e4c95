/** Requests that change nothing: names, attributes, directories, links. */
import { errno, open, seek } from "../errno.ts";
import { isAcl } from "../local/acl.ts";
import { identityAttribute } from "../local/identity.ts";
import type { DirectoryEntry, Or, Stat } from "../system.ts";
import type { OpenFile } from "./handles.ts";
import {
	attrReply,
	directoryEntrySize,
	entryReply,
	entrySize,
	getattrByHandle,
	nameAt,
	noEntryReply,
	openReplyBody,
	outHeaderSize,
	type Request,
	statfsReply,
	writeDirectoryEntry,
	writeEntry,
} from "./protocol.ts";
import type { FuseSession } from "./session.ts";

export function lookup(s: FuseSession, r: Request) {
	const [parent, name] = [s.ref(r.node), nameAt(r.body, 0)];
	const found = s.inDirectory(parent, (fd) => s.entry(fd, parent, name));
	if (found === -errno.ENOENT) return s.device.answerWith(r.unique, noEntryReply(s.validS));
	if (typeof found === "number") return s.fail(r, found);
	s.handedOut(parent, name, found.ref, found.stat);
	s.device.answerWith(r.unique, entryReply(s.node(found.ref), found.stat, s.validS));
}

export function forget(s: FuseSession, r: Request) {
	s.forget(s.ref(r.node), r.body.readBigUInt64LE(0));
}

export function batchForget(s: FuseSession, r: Request) {
	const count = r.body.readUInt32LE(0);
	for (let at = 8; at < 8 + count * 16 && at + 16 <= r.body.length; at += 16) {
		s.forget(s.ref(r.body.readBigUInt64LE(at)), r.body.readBigUInt64LE(at + 8));
	}
}

export function getattr(s: FuseSession, r: Request) {
	const file = (r.body.readUInt32LE(0) & getattrByHandle) !== 0 ? s.handles.get(r.body.readBigUInt64LE(8)) : undefined;
	const stat = file === undefined ? s.stat(s.ref(r.node)) : statOpen(s, file);
	if (typeof stat === "number") return s.fail(r, stat);
	s.device.answerWith(r.unique, attrReply(stat, s.validS));
}

function statOpen(s: FuseSession, file: OpenFile): Or<Stat> {
	const stat = s.system.stat(file.fd, "");
	return typeof stat === "number" ? stat : s.visible(file.ref, stat);
}

export function readlink(s: FuseSession, r: Request) {
	const target = s.tree.with(s.ref(r.node), (fd) => s.system.readlinkat(fd, ""));
	if (typeof target === "number") s.fail(r, target);
	else s.device.answerWith(r.unique, target);
}

export function statfs(s: FuseSession, r: Request) {
	const stat = s.system.statfs(s.tree.rootFd);
	if (typeof stat === "number") s.fail(r, stat);
	else s.device.answerWith(r.unique, statfsReply(stat));
}

export function opendir(s: FuseSession, r: Request) {
	const ref = s.ref(r.node);
	const flags = open.RDONLY | s.system.flags.DIRECTORY;
	// One that was removed while somebody stands in it opens, and is empty: the kernel does not ask what it holds.
	const fd = s.ghosts.has(ref) ? -1 : s.tree.open(ref, flags);
	if (fd < 0 && !s.ghosts.has(ref)) return s.fail(r, fd);
	const handle = s.opened(r, { fd, ref, flags, directory: true, directIo: false, synced: false });
	if (handle < 0) return s.fail(r, handle);
	s.device.answerWith(r.unique, openReplyBody(handle, 0));
}

export function readdir(s: FuseSession, r: Request) {
	list(s, r, false);
}

/** Entries with their attributes, which saves a lookup each. */
export function readdirplus(s: FuseSession, r: Request) {
	list(s, r, true);
}

function list(s: FuseSession, r: Request, plus: boolean) {
	const directory = s.handles.get(r.body.readBigUInt64LE(0));
	if (directory === undefined) return s.fail(r, errno.EBADF);
	const offset = r.body.readBigUInt64LE(8);
	const size = Math.min(r.body.readUInt32LE(16), s.device.reply.length - outHeaderSize);
	s.touched(directory.ref);
	if (offset !== directory.position) {
		const moved = s.system.lseek(directory.fd, offset, seek.SET);
		if (moved < 0) return s.fail(r, Number(moved));
		directory.entries = [];
		directory.position = offset;
	}
	let length = 0;
	for (;;) {
		const entry = directory.entries[0] ?? refill(s, directory);
		if (typeof entry === "number") {
			if (entry < 0 && length === 0) return s.fail(r, entry);
			break;
		}
		const space = directoryEntrySize(entry.name, plus);
		if (length + space > size) break;
		directory.entries.shift();
		directory.position = entry.next;
		if (s.tree.isPrivate(directory.ref, entry.name)) continue;
		s.device.reply.fill(0, outHeaderSize + length, outHeaderSize + length + space);
		if (plus) writeAttributes(s, directory, entry, outHeaderSize + length);
		writeDirectoryEntry(s.device.reply, outHeaderSize + length + (plus ? entrySize : 0), entry);
		length += space;
	}
	s.device.answerInPlace(r.unique, length);
}

/** The next entry after reading more, 0 at the end, or −errno. */
function refill(s: FuseSession, directory: OpenFile): DirectoryEntry | number {
	const batch = s.system.getdents(directory.fd);
	if (typeof batch === "number") return batch;
	directory.entries = batch;
	return batch[0] ?? 0;
}

/** Node id 0 (left as it is) says that the kernel has to look the entry up itself. */
function writeAttributes(s: FuseSession, directory: OpenFile, entry: DirectoryEntry, at: number) {
	if (s.tree.hides(directory.ref, entry.name)) return;
	const found = s.entry(directory.fd, directory.ref, entry.name);
	if (typeof found === "number") return;
	s.handedOut(directory.ref, entry.name, found.ref, found.stat);
	writeEntry(s.device.reply, at, s.node(found.ref), found.stat, s.validS);
}

/** Attributes that belong to the product, that are not replicated, or that the caller may not know of: unseen. */
export function hiddenAttribute(s: FuseSession, name: string, uid: number): boolean {
	if (name.startsWith("system.")) return isUnsupported(s, name);
	return name === identityAttribute || (name.startsWith("trusted.") && uid !== 0);
}

/** Of the kernel's own attributes there are access control lists, if the module is configured to replicate them. */
export function isUnsupported(s: FuseSession, name: string): boolean {
	return name.startsWith("system.") && !(s.tree.acl && isAcl(name));
}

export function getxattr(s: FuseSession, r: Request) {
	const [size, name] = [r.body.readUInt32LE(0), nameAt(r.body, 8)];
	const text = name.toString("latin1");
	if (isUnsupported(s, text)) return s.fail(r, errno.EOPNOTSUPP);
	if (hiddenAttribute(s, text, r.uid)) return s.fail(r, errno.ENODATA);
	const value = s.tree.with(s.ref(r.node), (fd) => s.system.getxattr(fd, name));
	if (typeof value === "number") s.fail(r, value);
	else answerSized(s, r, size, value);
}

export function listxattr(s: FuseSession, r: Request) {
	const names = s.tree.with(s.ref(r.node), (fd) => s.system.listxattr(fd));
	if (typeof names === "number") return s.fail(r, names);
	const shown = names.filter((name) => !hiddenAttribute(s, name.toString("latin1"), r.uid));
	answerSized(s, r, r.body.readUInt32LE(0), Buffer.concat(shown.flatMap((name) => [name, Buffer.alloc(1)])));
}

/** Size 0 asks how long the value is. */
function answerSized(s: FuseSession, r: Request, size: number, value: Buffer) {
	if (size === 0) {
		const out = Buffer.alloc(8);
		out.writeUInt32LE(value.length, 0);
		s.device.answerWith(r.unique, out);
	} else if (value.length > size) {
		s.fail(r, errno.ERANGE);
	} else {
		s.device.answerWith(r.unique, value);
	}
}

export function releasedir(s: FuseSession, r: Request) {
	s.device.answer(r.unique, 0);
	const directory = s.handles.remove(r.body.readBigUInt64LE(0));
	if (directory !== undefined) s.system.close(directory.fd);
}
