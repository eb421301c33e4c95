/**
 * File ids (replication.md §5.2): the number of the operation that created a file, kept in `trusted.o` beside that
 * node's own (inode, generation), 32 bytes. An id that does not match its inode is void: somebody copied the file
 * with its attributes by hand.
 */
import { crc32 } from "node:zlib";
import type { FileId, FileRef } from "../operation.ts";

export const identityAttribute = "trusted.o";

const size = 32;
const maxTerm = 2 ** 48 - 1;

/** The 32 bytes: own ref (8), node (1), version (1), term (6), seq (8), zero (4), CRC-32 of all before (4). */
export function encodeIdentity(own: FileRef, id: FileId): Buffer {
	const { term, node, seq } = parseFileId(id);
	const out = Buffer.alloc(size);
	out.writeBigUInt64LE(own, 0);
	out[8] = node;
	out[9] = 1;
	out.writeUIntLE(term, 10, 6);
	out.writeBigUInt64LE(seq, 16);
	out.writeUInt32LE(crc32(out.subarray(0, 28)), 28);
	return out;
}

/** The id, or null when the bytes are not an id or belong to another inode. */
export function decodeIdentity(own: FileRef, bytes: Buffer): FileId | null {
	if (bytes.length !== size || bytes[9] !== 1 || bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) return null;
	if (bytes.readBigUInt64LE(0) !== own) return null;
	return `${bytes.readUIntLE(10, 6)}.${bytes[8]}.${bytes.readBigUInt64LE(16)}`;
}

let last: { id: FileId; parts: { term: number; node: number; seq: bigint } } | null = null;

/** The parts of `<term>.<node 0|1>.<seq>`; throws a RangeError for anything else. */
export function parseFileId(id: FileId): { term: number; node: number; seq: bigint } {
	// One is asked for several times in a row while its file is made.
	if (last?.id === id) return last.parts;
	const match = /^(\d{1,15})\.([01])\.(\d{1,20})$/.exec(id);
	const term = Number(match?.[1]);
	const seq = BigInt(match?.[3] ?? -1);
	if (match === null || term > maxTerm || seq >= 1n << 64n) throw new RangeError(`not a file id: ${id.slice(0, 60)}`);
	last = { id, parts: { term, node: Number(match[2]), seq } };
	return last.parts;
}
