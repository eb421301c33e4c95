/** What both sides look at when they compare: attributes, extended attributes, digests of content with its holes. */
import { createHash } from "node:crypto";
import { SafekitError } from "../../errors.ts";
import { errno, errnoName, open, seek } from "../errno.ts";
import { isAcl } from "../local/acl.ts";
import { identityAttribute } from "../local/identity.ts";
import type { Tree } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";
import type { FileCalls, Or, Stat } from "../system.ts";
import type { Attributes } from "../wire/messages.ts";

const noData = -6; // ENXIO: no data behind this offset
/** Not on both nodes alike: the file's id with this node's own inode, and what the kernel makes up (`system.`). */
function isReplicated(tree: Tree, name: string): boolean {
	return name.startsWith("system.") ? tree.acl && isAcl(name) : name !== identityAttribute;
}

const buffer = Buffer.allocUnsafe(1 << 20);
/** More data than this where the other side has a hole is a difference in any case. */
const mostBytes = 8 << 20;

/**
 * The extended attributes that both sides have alike, in the order of their names. None are taken away or left out
 * because they could not be read. @throws SafekitError REPLICATION_DISK.
 */
export function extendedAttributes(tree: Tree, fd: number): { name: Buffer; value: Buffer }[] {
	const { system } = tree;
	const found: { name: Buffer; value: Buffer }[] = [];
	for (const name of attributeNames(tree, fd)) {
		const value = system.getxattr(fd, name);
		if (typeof value !== "number") found.push({ name, value });
		else if (value !== -errno.ENODATA) throw unreadable(value);
	}
	return found;
}

/** Names of the extended attributes that both sides have alike, in order. @throws SafekitError REPLICATION_DISK. */
export function attributeNames(tree: Tree, fd: number): Buffer[] {
	const names = tree.system.listxattr(fd);
	if (names === -errno.EOPNOTSUPP) return [];
	if (typeof names === "number") throw unreadable(names);
	return names.filter((each) => isReplicated(tree, each.toString("latin1"))).sort(Buffer.compare);
}

/** Of one extended attribute in a message, at most. */
export function attributeBytes({ name, value }: { name: Buffer; value: Buffer }): number {
	return name.length + value.length + 8;
}

function unreadable(result: number): SafekitError {
	return new SafekitError("REPLICATION_DISK", `extended attributes cannot be read (${errnoName(result)})`);
}

/** Of an open descriptor, also O_PATH. */
export function attributesOf(tree: Tree, fd: number, stat: Stat): Attributes {
	const { mode, uid, gid, rdev, blocks, mtimeNs } = stat;
	const entries = extendedAttributes(tree, fd);
	const hash = createHash("sha256");
	for (const { name, value } of entries) hash.update(`${name.length} ${value.length} `).update(name).update(value);
	const xattrs = entries.length === 0 ? Buffer.alloc(0) : hash.digest();
	return { mode, uid, gid, rdev, size: BigInt(stat.size), blocks, mtimeNs, xattrs };
}

/** Attributes by reference; −ESTALE: no such file any more. */
export function lookAt(tree: Tree, ref: FileRef): Or<Attributes> {
	return tree.with<Attributes>(ref, (fd) => {
		const stat = tree.system.stat(fd, "");
		return typeof stat === "number" ? stat : attributesOf(tree, fd, stat);
	});
}

/** Mode and owner are the same. */
export function sameOwner(a: Attributes, b: Attributes): boolean {
	return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

export interface Segment {
	offset: bigint;
	length: bigint;
	data: boolean;
}

/** Data and holes of [offset, offset + length) of a file of this size; what lies behind the end belongs to nothing. */
export function segmentsOf(system: FileCalls, fd: number, offset: bigint, length: bigint, size: bigint): Segment[] {
	const end = offset + length < size ? offset + length : size;
	const segments: Segment[] = [];
	for (let at = offset; at < end; ) {
		const found = system.lseek(fd, at, seek.DATA);
		const data = found === noData ? end : clip(BigInt(found), at, end);
		if (data > at) segments.push({ offset: at, length: data - at, data: false });
		if (data >= end) break;
		const hole = clip(BigInt(system.lseek(fd, data, seek.HOLE)), data, end);
		// A hole at its own start cannot be: the file changed under a file system that does not say; take all as data.
		const until = hole > data ? hole : end;
		segments.push({ offset: data, length: until - data, data: true });
		at = until;
	}
	return segments;
}

/** An error of lseek (negative) counts as data: nothing is skipped for it. */
function clip(value: bigint, low: bigint, high: bigint): bigint {
	if (value < low) return low;
	return value > high ? high : value;
}

/** Where the next data begins, or the end of the file. */
export function nextData(system: FileCalls, fd: number, offset: bigint, size: bigint): bigint {
	const found = system.lseek(fd, offset, seek.DATA);
	return found === noData ? size : clip(BigInt(found), offset, size);
}

/**
 * A digest for each region of the range, over its data and where the data stands. An empty one: too much data to look
 * at, or unreadable: a difference.
 */
export function digestsOf(
	system: FileCalls,
	fd: number,
	range: { offset: bigint; length: bigint; region: number },
	size: bigint,
): Buffer[] {
	const digests: Buffer[] = [];
	const end = range.offset + range.length;
	for (let at = range.offset; at < end; at += BigInt(range.region)) {
		const length = end - at < BigInt(range.region) ? end - at : BigInt(range.region);
		digests.push(digestOf(system, fd, at, length, size));
	}
	return digests;
}

function digestOf(system: FileCalls, fd: number, offset: bigint, length: bigint, size: bigint): Buffer {
	const hash = createHash("sha256");
	let left = mostBytes;
	for (const segment of segmentsOf(system, fd, offset, length, size)) {
		if (!segment.data) continue;
		hash.update(`${segment.offset - offset} ${segment.length} `);
		for (let done = 0n; done < segment.length; ) {
			const want = segment.length - done < BigInt(buffer.length) ? Number(segment.length - done) : buffer.length;
			left -= want;
			const got = left < 0 ? -errno.EFBIG : system.pread(fd, buffer.subarray(0, want), segment.offset + done);
			if (got <= 0) return Buffer.alloc(0);
			hash.update(buffer.subarray(0, got));
			done += BigInt(got);
		}
	}
	return hash.digest();
}

/** Reads a piece of a file, at most 1 MiB: good until anything else is read here. −errno; empty behind the end. */
export function readPiece(system: FileCalls, fd: number, offset: bigint, length: number): Or<Buffer> {
	const got = system.pread(fd, buffer.subarray(0, Math.min(length, buffer.length)), offset);
	return got < 0 ? got : buffer.subarray(0, got);
}

/** For reading without leaving traces in the access times. */
export function readOnly(system: FileCalls): number {
	return open.RDONLY | open.CLOEXEC | system.flags.NOATIME;
}
