/**
 * The marks file (replication.md §5.3, §5.4): two areas of 4 KiB blocks. One is being appended to; when it is half
 * full, all marks are written into the other one. Block 0 of an area names its generation; it is written last, and the
 * old area is then retired, so a power cut at any moment leaves one that is whole. A block that is not what it must be
 * means that nothing is known, unless it belongs to the last write, which nobody has relied on. Pure.
 */
import { type Block, blockBytes, decodeBlock, encodeBlock, isBlank, maxPayload } from "../records/block.ts";
import { type Entry, entryBytes, readEntries, writeEntry } from "./entries.ts";

/** Blocks of one area. */
export const areaBlocks = 512;
export const fileBytes = 2 * areaBlocks * blockBytes;
/** Blocks that one write may hold. */
export const batchBlocks = 16;
/** A block's counter is its generation and its place in the area. */
const generationStep = 65_536;
const batchHead = 4;
const roomInBlock = maxPayload - batchHead;
const headKind = { live: 1, retired: 2 } as const;

/** Where the next write goes. */
export interface Position {
	area: 0 | 1;
	generation: number;
	/** Next block in the area. */
	next: number;
}

/** Entries, in blocks that follow each other. */
export function packEntries(entries: readonly Entry[]): Buffer[] {
	const payloads: Buffer[] = [];
	let [payload, used] = [Buffer.alloc(roomInBlock), 0];
	for (const entry of entries) {
		if (used + entryBytes(entry) > roomInBlock) {
			payloads.push(payload.subarray(0, used));
			[payload, used] = [Buffer.alloc(roomInBlock), 0];
		}
		used = writeEntry(payload, used, entry);
	}
	if (used > 0) payloads.push(payload.subarray(0, used));
	return payloads;
}

/** Blocks for the places from `first` on: each says which places were written together with it. */
export function batchOf(payloads: readonly Buffer[], generation: number, first: number): Buffer {
	const out = Buffer.alloc(payloads.length * blockBytes);
	for (const [index, entries] of payloads.entries()) {
		const payload = Buffer.alloc(batchHead + entries.length);
		payload.writeUInt16BE(first, 0);
		payload.writeUInt16BE(first + payloads.length - 1, 2);
		entries.copy(payload, batchHead);
		const counter = generation * generationStep + first + index;
		encodeBlock({ counter, payload }, out.subarray(index * blockBytes, (index + 1) * blockBytes));
	}
	return out;
}

/** Block 0 of an area that begins with `snapshot` blocks, or that another one has taken over from. */
export function headOf(generation: number, snapshot: number, retired = false): Buffer {
	const payload = Buffer.alloc(3);
	payload[0] = retired ? headKind.retired : headKind.live;
	payload.writeUInt16BE(snapshot, 1);
	const out = Buffer.alloc(blockBytes);
	encodeBlock({ counter: generation * generationStep, payload }, out);
	return out;
}

interface Head {
	generation: number;
	retired: boolean;
	snapshot: number;
}

export interface Loaded {
	/** In their order; null: nothing is known. */
	entries: Entry[] | null;
	/** Never written. */
	fresh: boolean;
	/** The highest generation that any block names. */
	generation: number;
	area: 0 | 1;
}

/** What the file says. `bytes`: all of it, null where a block could not be read. */
export function loadAreas(read: (block: number) => Buffer | null): Loaded {
	const blocks: (Block | null)[] = [];
	let [blank, generation] = [true, 0];
	for (let index = 0; index < 2 * areaBlocks; index++) {
		const bytes = read(index);
		const block = bytes === null ? null : decodeBlock(bytes);
		blank &&= bytes !== null && block === null && isBlank(bytes);
		blocks.push(block);
		if (block !== null) generation = Math.max(generation, Math.floor(block.counter / generationStep));
	}
	const [a, b] = [asHead(blocks[0]!), asHead(blocks[areaBlocks]!)];
	const newer = a === null ? b : b === null || a.generation > b.generation ? a : b;
	const area = newer !== null && newer === b ? 1 : 0;
	const start = area * areaBlocks;
	// A retired one whose successor is not there: the successor was lost or damaged.
	const entries = newer === null || newer.retired ? null : entriesIn(blocks.slice(start, start + areaBlocks), newer);
	return { entries, fresh: blank, generation, area };
}

function asHead(block: Block | null): Head | null {
	if (block === null || block.counter % generationStep !== 0 || block.payload.length !== 3) return null;
	const generation = block.counter / generationStep;
	return { generation, retired: block.payload[0] !== headKind.live, snapshot: block.payload.readUInt16BE(1) };
}

function entriesIn(blocks: readonly (Block | null)[], { generation, snapshot }: Head): Entry[] | null {
	const isOurs = (index: number): boolean => blocks[index]?.counter === generation * generationStep + index;
	let end = 1;
	while (end < blocks.length && isOurs(end)) end++;
	if (end <= snapshot) return null;
	// Blocks behind the first one that is missing: of the same write, or something in the middle was lost.
	for (let index = end + 1; index < blocks.length; index++) {
		if (isOurs(index) && batchFirst(blocks[index]!) > end) return null;
	}
	try {
		const whole = blocks.slice(1, end).filter((block) => batchLast(block!) < end);
		return whole.flatMap((block) => readEntries(block!.payload.subarray(batchHead)));
	} catch {
		return null;
	}
}

const batchFirst = (block: Block): number => block.payload.readUInt16BE(0);
const batchLast = (block: Block): number => block.payload.readUInt16BE(2);
