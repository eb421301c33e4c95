/** Operation ⇄ bytes. */
import type { NewAcls, NewNode, Operation, ParentAfter } from "../operation.ts";
import { type ByteReader, type ByteWriter, wireError } from "./bytes.ts";
import { maxData, maxFileId, maxLinkTarget, maxName, maxXattrName, maxXattrValue } from "./limits.ts";

const kinds = [
	"make",
	"link",
	"unlink",
	"rmdir",
	"dropOpen",
	"rename",
	"write",
	"truncate",
	"fallocate",
	"setattr",
	"setxattr",
	"removexattr",
	"sync",
	"makeUnnamed",
	"bind",
	"unbind",
] as const satisfies readonly Operation["op"][];

/** Appends the operation. */
export function writeOperation(w: ByteWriter, o: Operation): void {
	w.u8(kinds.indexOf(o.op));
	switch (o.op) {
		case "make":
			w.u64(o.parent).bytes(o.name).u64(o.file).text(o.id);
			writeNode(w, o.node);
			w.u8(o.target === undefined ? 0 : 1);
			if (o.target !== undefined) w.bytes(o.target);
			writeAcls(w, o.acls);
			w.time(o.after.mtimeNs);
			break;
		case "makeUnnamed":
			w.u64(o.file).text(o.id);
			writeNode(w, o.node);
			writeAcls(w, o.acls);
			break;
		case "link":
			w.u64(o.file).u64(o.parent).bytes(o.name);
			w.u8(o.unnamed ? 1 : 0).time(o.after.mtimeNs);
			break;
		case "unlink":
			w.u64(o.parent).bytes(o.name).u64(o.file);
			w.u8(o.keep ? 1 : 0).time(o.after.mtimeNs);
			break;
		case "rmdir":
			w.u64(o.parent).bytes(o.name).time(o.after.mtimeNs);
			break;
		case "dropOpen":
			w.u64(o.file);
			break;
		case "bind":
			w.u64(o.parent).bytes(o.name).u64(o.file).text(o.id);
			break;
		case "unbind":
			w.u64(o.file);
			break;
		case "rename":
			w.u64(o.parent).bytes(o.name).u64(o.newParent).bytes(o.newName).u32(o.flags);
			w.u8(o.keep === null ? 0 : 1).u64(o.keep ?? 0n);
			w.time(o.after.mtimeNs).time(o.newAfter.mtimeNs);
			break;
		default:
			writeContent(w, o);
	}
}

type ContentOperation = Extract<
	Operation,
	{ op: "write" | "truncate" | "fallocate" | "setattr" | "setxattr" | "removexattr" | "sync" }
>;

function writeContent(w: ByteWriter, o: ContentOperation): void {
	w.u64(o.file);
	switch (o.op) {
		case "write":
			w.u64(o.offset).time(o.mtimeNs).bytes(o.data);
			break;
		case "truncate":
			w.u64(o.size).time(o.mtimeNs);
			break;
		case "fallocate":
			w.u32(o.mode).u64(o.offset).u64(o.length).time(o.mtimeNs);
			break;
		case "setattr":
			w.u8(
				(o.mode === undefined ? 0 : 1) |
					(o.uid === undefined ? 0 : 2) |
					(o.gid === undefined ? 0 : 4) |
					(o.times === undefined ? 0 : 8),
			);
			if (o.mode !== undefined) w.u32(o.mode);
			if (o.uid !== undefined) w.u32(o.uid);
			if (o.gid !== undefined) w.u32(o.gid);
			if (o.times !== undefined) w.time(o.times.atimeNs).time(o.times.mtimeNs);
			break;
		case "setxattr":
			w.bytes(o.name).bytes(o.value);
			break;
		case "removexattr":
			w.bytes(o.name);
			break;
		case "sync":
			w.u8(o.dataOnly ? 1 : 0);
	}
}

/** 1: there are any; 2: an access list follows; 4: a default list follows. */
function writeAcls(w: ByteWriter, acls: NewAcls | undefined): void {
	if (acls === undefined) {
		w.u8(0);
		return;
	}
	w.u8(1 | (acls.access === null ? 0 : 2) | (acls.default === null ? 0 : 4));
	if (acls.access !== null) w.bytes(acls.access);
	if (acls.default !== null) w.bytes(acls.default);
}

function readAcls(r: ByteReader): { acls?: NewAcls } {
	const set = r.u8();
	if (set === 0) return {};
	if (set > 7 || (set & 1) === 0) throw wireError(`access control lists of an unknown kind: ${set}`);
	const access = (set & 2) === 0 ? null : r.bytes(maxXattrValue);
	return { acls: { access, default: (set & 4) === 0 ? null : r.bytes(maxXattrValue) } };
}

export function writeNode(w: ByteWriter, n: NewNode): void {
	w.u32(n.mode).u32(n.uid).u32(n.gid).u32(n.rdev).time(n.times.atimeNs).time(n.times.mtimeNs);
}

export function readNode(r: ByteReader): NewNode {
	return {
		mode: r.u32(),
		uid: r.u32(),
		gid: r.u32(),
		rdev: r.u32(),
		times: { atimeNs: r.time(), mtimeNs: r.time() },
	};
}

/** A name of one entry: never empty, never a path, never `.` or `..`. */
export function readName(r: ByteReader): Buffer {
	const name = r.bytes(maxName);
	const text = name.toString("latin1");
	if (text === "" || text === "." || text === ".." || /[/\0]/.test(text)) throw wireError("a name that is no name");
	return name;
}

function readFlag(r: ByteReader): boolean {
	const value = r.u8();
	if (value > 1) throw wireError(`a flag of ${value}`);
	return value === 1;
}

const readAfter = (r: ByteReader): ParentAfter => ({ mtimeNs: r.time() });

/** Reads one operation. Buffers are views on the message. */
export function readOperation(r: ByteReader): Operation {
	const op = kinds[r.u8()];
	switch (op) {
		case "make": {
			const made = { op, parent: r.u64(), name: readName(r), file: r.u64(), id: r.text(maxFileId), node: readNode(r) };
			const target = readFlag(r) ? { target: r.bytes(maxLinkTarget) } : {};
			return { ...made, ...target, ...readAcls(r), after: readAfter(r) };
		}
		case "makeUnnamed":
			return { op, file: r.u64(), id: r.text(maxFileId), node: readNode(r), ...readAcls(r) };
		case "link":
			return { op, file: r.u64(), parent: r.u64(), name: readName(r), unnamed: readFlag(r), after: readAfter(r) };
		case "unlink":
			return { op, parent: r.u64(), name: readName(r), file: r.u64(), keep: readFlag(r), after: readAfter(r) };
		case "rmdir":
			return { op, parent: r.u64(), name: readName(r), after: readAfter(r) };
		case "dropOpen":
		case "unbind":
			return { op, file: r.u64() };
		case "bind":
			return { op, parent: r.u64(), name: readName(r), file: r.u64(), id: r.text(maxFileId) };
		case "rename": {
			const from = { parent: r.u64(), name: readName(r) };
			const to = { newParent: r.u64(), newName: readName(r), flags: r.u32() };
			const [keeps, kept] = [readFlag(r), r.u64()];
			return { op, ...from, ...to, keep: keeps ? kept : null, after: readAfter(r), newAfter: readAfter(r) };
		}
		case undefined:
			throw wireError("an operation of an unknown kind");
		default:
			return readContent(op, r);
	}
}

function readContent(op: ContentOperation["op"], r: ByteReader): Operation {
	const file = r.u64();
	switch (op) {
		case "write":
			return { op, file, offset: r.u64(), mtimeNs: r.time(), data: r.bytes(maxData) };
		case "truncate":
			return { op, file, size: r.u64(), mtimeNs: r.time() };
		case "fallocate":
			return { op, file, mode: r.u32(), offset: r.u64(), length: r.u64(), mtimeNs: r.time() };
		case "setattr": {
			const set = r.u8();
			if (set > 15) throw wireError(`attributes of an unknown kind: ${set}`);
			return {
				op,
				file,
				...(set & 1 ? { mode: r.u32() } : {}),
				...(set & 2 ? { uid: r.u32() } : {}),
				...(set & 4 ? { gid: r.u32() } : {}),
				...(set & 8 ? { times: { atimeNs: r.time(), mtimeNs: r.time() } } : {}),
			};
		}
		case "setxattr":
			return { op, file, name: r.bytes(maxXattrName), value: r.bytes(maxXattrValue) };
		case "removexattr":
			return { op, file, name: r.bytes(maxXattrName) };
		case "sync":
			return { op, file, dataOnly: readFlag(r) };
	}
}
