/**
 * File references: generation << 32 | inode, made from and into the handles of the file system (notes of the data
 * path: an open descriptor per inode runs into limits, names change). What a handle looks like is the file system's
 * own affair; these are the layouts of those that are supported.
 */
import { errno } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Handle, Or } from "../system.ts";

export interface HandleFormat {
	name: string;
	matches(handle: Handle): boolean;
	inode(handle: Handle): bigint;
	generation(handle: Handle): number;
	make(inode: number, generation: number): Handle;
}

/** ext4, and XFS as long as its inode numbers have 32 bits. */
const inode32: HandleFormat = {
	name: "inode32",
	matches: (handle) => handle.type === 1 && handle.bytes.length === 8,
	inode: (handle) => BigInt(handle.bytes.readUInt32LE(0)),
	generation: (handle) => handle.bytes.readUInt32LE(4),
	make: (inode, generation) => ({ type: 1, bytes: words(inode, generation) }),
};

/** XFS. */
const inode64: HandleFormat = {
	name: "inode64",
	matches: (handle) => handle.type === 0x81 && handle.bytes.length === 12,
	inode: (handle) => handle.bytes.readBigUInt64LE(0),
	generation: (handle) => handle.bytes.readUInt32LE(8),
	make: (inode, generation) => ({ type: 0x81, bytes: words(inode, 0, generation) }),
};

/** tmpfs: generation first. */
const memory: HandleFormat = {
	name: "memory",
	matches: (handle) => handle.type === 1 && handle.bytes.length === 12,
	inode: (handle) => handle.bytes.readBigUInt64LE(4),
	generation: (handle) => handle.bytes.readUInt32LE(0),
	make: (inode, generation) => ({ type: 1, bytes: words(generation, inode, 0) }),
};

const formats = [inode32, inode64, memory];

function words(...values: number[]): Buffer {
	const out = Buffer.alloc(values.length * 4);
	for (const [index, value] of values.entries()) out.writeUInt32LE(value, index * 4);
	return out;
}

/** The format of a file system, learnt from the handle of one of its files; null when it is none that is known. */
export function formatOf(handle: Handle): HandleFormat | null {
	return formats.find((format) => format.matches(handle)) ?? null;
}

/** −EOVERFLOW for an inode number beyond 32 bits. */
export function refOfHandle(format: HandleFormat, handle: Handle): Or<FileRef> {
	if (!format.matches(handle)) return -errno.EOPNOTSUPP;
	const inode = format.inode(handle);
	return inode >> 32n === 0n ? (BigInt(format.generation(handle)) << 32n) | inode : -errno.EOVERFLOW;
}

export function handleOfRef(format: HandleFormat, ref: FileRef): Handle {
	return format.make(Number(ref & 0xffffffffn), Number((ref >> 32n) & 0xffffffffn));
}

/** As the folders of `.opensafe` name it: 16 hex digits. */
export function refAsName(ref: FileRef): string {
	return ref.toString(16).padStart(16, "0");
}
