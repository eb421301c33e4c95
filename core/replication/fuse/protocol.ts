/** The kernel's FUSE protocol, version 7.38: numbers and structures as in linux/fuse.h. */
import type { FileSystemStat, Stat } from "../system.ts";

export const opcode = {
	LOOKUP: 1,
	FORGET: 2,
	GETATTR: 3,
	SETATTR: 4,
	READLINK: 5,
	SYMLINK: 6,
	MKNOD: 8,
	MKDIR: 9,
	UNLINK: 10,
	RMDIR: 11,
	RENAME: 12,
	LINK: 13,
	OPEN: 14,
	READ: 15,
	WRITE: 16,
	STATFS: 17,
	RELEASE: 18,
	FSYNC: 20,
	SETXATTR: 21,
	GETXATTR: 22,
	LISTXATTR: 23,
	REMOVEXATTR: 24,
	INIT: 26,
	OPENDIR: 27,
	READDIR: 28,
	RELEASEDIR: 29,
	FSYNCDIR: 30,
	CREATE: 35,
	INTERRUPT: 36,
	BATCH_FORGET: 42,
	FALLOCATE: 43,
	READDIRPLUS: 44,
	RENAME2: 45,
	LSEEK: 46,
	COPY_FILE_RANGE: 47,
	TMPFILE: 51,
	COPY_FILE_RANGE_64: 53,
} as const;

/** What SETATTR is to change. */
export const setattr = {
	MODE: 1,
	UID: 2,
	GID: 4,
	SIZE: 8,
	ATIME: 16,
	MTIME: 32,
	FH: 64,
	ATIME_NOW: 128,
	MTIME_NOW: 256,
	KILL_SUIDGID: 2048,
} as const;

export const writeFlag = { KILL_SUIDGID: 4 } as const;
export const setxattrFlag = { ACL_KILL_SGID: 1 } as const;
export const openReply = { DIRECT_IO: 1, KEEP_CACHE: 2 } as const;
export const getattrByHandle = 1;
export const fsyncDataOnly = 1;
export const rootNode = 1n;

/**
 * In INIT. HANDLE_KILLPRIV_V2: the kernel says with each write whether set-id bits must go, and asks for no attribute.
 * EXPLICIT_INVAL_DATA: it keeps the pages of a file until it is told otherwise (pageCache.ts). AUTO_INVAL_DATA would have
 * it ask for the attributes with every second's reads, and drop all pages of a file after every time that we have changed.
 */
const wanted = {
	ASYNC_READ: 1 << 0,
	BIG_WRITES: 1 << 5,
	DO_READDIRPLUS: 1 << 13,
	READDIRPLUS_AUTO: 1 << 14,
	ASYNC_DIO: 1 << 15,
	PARALLEL_DIROPS: 1 << 18,
	ABORT_ERROR: 1 << 21,
	MAX_PAGES: 1 << 22,
	EXPLICIT_INVAL_DATA: 1 << 25,
	HANDLE_KILLPRIV_V2: 1 << 28,
	INIT_EXT: 1 << 30,
};
/**
 * With access control lists: the kernel asks for them when it checks permissions, leaves the umask to us (a default
 * list takes its place), and says with a new list whether the set-group-id bit must go.
 */
const wantedForAcl = { DONT_MASK: 1 << 6, POSIX_ACL: 1 << 20, SETXATTR_EXT: 1 << 29 };
/** Second word: shared mappings of files opened with DIRECT_IO. */
const directIoAllowMmap = 1 << 4;
/** Second word: requests that come again are known by the highest bit of their number. */
const hasResend = 1 << 7;

export const inHeaderSize = 40;
export const outHeaderSize = 16;
export const maxWrite = 1 << 20;
/** Of the longest request: a full write with its headers, or the longest names. */
export const requestBufferSize = maxWrite + 65536;
const billion = 1_000_000_000n;

/** One request. `body` is a view of the read buffer: valid until the handler returns. */
export interface Request {
	opcode: number;
	unique: bigint;
	node: bigint;
	uid: number;
	gid: number;
	/** 0: of a process that this one cannot see. */
	pid: number;
	body: Buffer;
}

export function parseRequest(raw: Buffer): Request {
	return {
		opcode: raw.readUInt32LE(4),
		unique: raw.readBigUInt64LE(8),
		node: raw.readBigUInt64LE(16),
		uid: raw.readUInt32LE(24),
		gid: raw.readUInt32LE(28),
		pid: raw.readUInt32LE(32),
		body: raw.subarray(inHeaderSize),
	};
}

/** The NUL-terminated name at `start` of a body. */
export function nameAt(body: Buffer, start: number): Buffer {
	const end = body.indexOf(0, start);
	return Buffer.from(body.subarray(start, end < 0 ? body.length : end));
}

/** The reply to INIT, or null when the kernel's protocol is too old (before 7.23: Linux 3.15; for lists 7.33: 5.12). */
export function initReply(body: Buffer, acl: boolean): Buffer | null {
	const [major, minor] = [body.readUInt32LE(0), body.readUInt32LE(4)];
	if (major !== 7 || minor < 23) return null;
	const offered = body.readUInt32LE(12);
	const offered2 = body.length >= 20 ? body.readUInt32LE(16) : 0;
	let flags = Object.values(wanted).reduce((all, flag) => all | (offered & flag), 0);
	if (acl) {
		for (const flag of Object.values(wantedForAcl)) {
			if ((offered & flag) === 0) return null;
			flags |= flag;
		}
	}
	const out = Buffer.alloc(64);
	out.writeUInt32LE(7, 0);
	out.writeUInt32LE(Math.min(minor, 38), 4);
	out.writeUInt32LE(body.readUInt32LE(8), 8);
	out.writeUInt32LE(flags >>> 0, 12);
	out.writeUInt16LE(64, 16);
	out.writeUInt16LE(48, 18);
	out.writeUInt32LE(maxWrite, 20);
	out.writeUInt32LE(1, 24);
	out.writeUInt16LE(maxWrite / 4096, 28);
	out.writeUInt32LE(offered2 & (directIoAllowMmap | hasResend), 32);
	return out;
}

/** @param error 0, or −errno. @param length of the whole reply. */
export function writeReplyHeader(out: Buffer, unique: bigint, error: number, length: number): void {
	out.writeUInt32LE(length, 0);
	out.writeInt32LE(error, 4);
	out.writeBigUInt64LE(unique, 8);
}

export const attrSize = 88;
export const entrySize = 40 + attrSize;

export function writeAttr(out: Buffer, at: number, stat: Stat): void {
	out.writeBigUInt64LE(BigInt(stat.ino), at);
	out.writeBigUInt64LE(BigInt(stat.size), at + 8);
	out.writeBigUInt64LE(BigInt(stat.blocks), at + 16);
	writeTime(out, at, 0, stat.atimeNs);
	writeTime(out, at, 1, stat.mtimeNs);
	writeTime(out, at, 2, stat.ctimeNs);
	out.writeUInt32LE(stat.mode, at + 60);
	out.writeUInt32LE(stat.nlink, at + 64);
	out.writeUInt32LE(stat.uid, at + 68);
	out.writeUInt32LE(stat.gid, at + 72);
	out.writeUInt32LE(stat.rdev, at + 76);
	out.writeUInt32LE(stat.blksize, at + 80);
	out.writeUInt32LE(0, at + 84);
}

function writeTime(out: Buffer, at: number, index: number, time: bigint): void {
	const whole = time / billion;
	const rest = Number(time - whole * billion);
	// Before 1970 the rest counts down.
	out.writeBigInt64LE(rest < 0 ? whole - 1n : whole, at + 24 + index * 8);
	out.writeUInt32LE(rest < 0 ? rest + 1_000_000_000 : rest, at + 48 + index * 4);
}

/** fuse_attr_out. `validS`: how long the kernel may keep the attributes. */
export function attrReply(stat: Stat, validS: number): Buffer {
	const out = Buffer.alloc(16 + attrSize);
	out.writeBigUInt64LE(BigInt(validS), 0);
	writeAttr(out, 16, stat);
	return out;
}

/** fuse_entry_out; the generation is part of the node id. */
export function writeEntry(out: Buffer, at: number, node: bigint, stat: Stat, validS: number): void {
	out.writeBigUInt64LE(node, at);
	out.writeBigUInt64LE(0n, at + 8);
	out.writeBigUInt64LE(BigInt(validS), at + 16);
	out.writeBigUInt64LE(BigInt(validS), at + 24);
	out.writeBigUInt64LE(0n, at + 32);
	writeAttr(out, at + 40, stat);
}

export function entryReply(node: bigint, stat: Stat, validS: number): Buffer {
	const out = Buffer.alloc(entrySize);
	writeEntry(out, 0, node, stat, validS);
	return out;
}

/** "There is no such name", which the kernel may remember. */
export function noEntryReply(validS: number): Buffer {
	const out = Buffer.alloc(entrySize);
	out.writeBigUInt64LE(BigInt(validS), 16);
	return out;
}

export function openReplyBody(handle: number, flags: number): Buffer {
	const out = Buffer.alloc(16);
	out.writeBigUInt64LE(BigInt(handle), 0);
	out.writeUInt32LE(flags, 8);
	return out;
}

export function numberReply(value: number): Buffer {
	const out = Buffer.alloc(8);
	out.writeUInt32LE(value, 0);
	return out;
}

export function offsetReply(value: number | bigint): Buffer {
	const out = Buffer.alloc(8);
	out.writeBigUInt64LE(BigInt(value), 0);
	return out;
}

export function statfsReply(stat: FileSystemStat): Buffer {
	const out = Buffer.alloc(80);
	for (const [index, value] of [stat.blocks, stat.bfree, stat.bavail, stat.files, stat.ffree].entries()) {
		out.writeBigUInt64LE(BigInt(value), index * 8);
	}
	out.writeUInt32LE(stat.bsize, 40);
	out.writeUInt32LE(stat.namelen, 44);
	out.writeUInt32LE(stat.frsize, 48);
	return out;
}

/** Space that a directory entry takes, with or without attributes. */
export function directoryEntrySize(name: Buffer, plus: boolean): number {
	return (plus ? entrySize : 0) + ((24 + name.length + 7) & ~7);
}

export function writeDirectoryEntry(
	out: Buffer,
	at: number,
	entry: { name: Buffer; ino: bigint; type: number; next: bigint },
): void {
	out.writeBigUInt64LE(entry.ino, at);
	out.writeBigInt64LE(entry.next, at + 8);
	out.writeUInt32LE(entry.name.length, at + 16);
	out.writeUInt32LE(entry.type, at + 20);
	entry.name.copy(out, at + 24);
}

/** NOTIFY_INVAL_INODE: forget attributes and all cached pages of a file. */
export function invalidation(node: bigint): Buffer {
	const out = Buffer.alloc(outHeaderSize + 24);
	out.writeUInt32LE(out.length, 0);
	out.writeInt32LE(2, 4);
	out.writeBigUInt64LE(node, 16);
	out.writeBigInt64LE(0n, 24);
	out.writeBigInt64LE(0n, 32);
	return out;
}
