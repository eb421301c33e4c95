/**
 * One 4 KiB block of durable state: `magic | counter | length | payload | … | sha-256`. A block that was torn by a
 * power cut, or read back with a flipped bit, does not carry its checksum and counts as never written. Pure.
 */
import { createHash } from "node:crypto";

export const blockBytes = 4096;
const zeros = Buffer.alloc(blockBytes);
const magic = 0x4f534652;
const headBytes = 16;
const sumBytes = 32;
export const maxPayload = blockBytes - headBytes - sumBytes;

export interface Block {
	/** Grows with every write: the block with the higher one is the newer. */
	counter: number;
	payload: Buffer;
}

/** Fills `into` (4096 bytes) with the block. The caller has checked that the payload fits `maxPayload`. */
export function encodeBlock(block: Block, into: Buffer): void {
	into.fill(0);
	into.writeUInt32BE(magic, 0);
	into.writeBigUInt64BE(BigInt(block.counter), 4);
	into.writeUInt32BE(block.payload.length, 12);
	block.payload.copy(into, headBytes);
	checksum(into).copy(into, blockBytes - sumBytes);
}

/** The block in these 4096 bytes, or null: torn, never written, or something else. */
export function decodeBlock(bytes: Buffer): Block | null {
	if (bytes.length !== blockBytes || bytes.readUInt32BE(0) !== magic) return null;
	if (!checksum(bytes).equals(bytes.subarray(blockBytes - sumBytes))) return null;
	const [counter, length] = [Number(bytes.readBigUInt64BE(4)), bytes.readUInt32BE(12)];
	if (!Number.isSafeInteger(counter) || length > maxPayload) return null;
	return { counter, payload: Buffer.from(bytes.subarray(headBytes, headBytes + length)) };
}

/** Only zeros: preallocated, not yet written. */
export function isBlank(bytes: Buffer): boolean {
	return bytes.equals(bytes.length === blockBytes ? zeros : Buffer.alloc(bytes.length));
}

function checksum(bytes: Buffer): Buffer {
	return createHash("sha256")
		.update(bytes.subarray(0, blockBytes - sumBytes))
		.digest();
}
