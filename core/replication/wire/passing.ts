/**
 * Memory for what passes through: messages on their way out, and what was received. It is cut from pieces that are used
 * again when all that was cut from them was given back (`passed`): memory that is made anew for every write has the
 * garbage collector mark the whole heap many times a second, and the kernel clear each of its pages.
 *
 * What is never given back is no leak: its piece is left to the garbage collector. Giving back what somebody still
 * looks at would change it under his eyes: only who knows that nobody does may do so.
 */
import { ok } from "node:assert/strict";
import { maxPacket } from "./limits.ts";

interface Piece {
	readonly memory: Buffer;
	readonly pool: Pool;
	/** Cuts that were not given back. */
	uses: number;
}

const pieces = new WeakMap<ArrayBufferLike, Piece>();

/** Pieces of one size; some of those that nobody uses are kept. */
class Pool {
	readonly bytes: number;
	readonly #most: number;
	readonly #free: Piece[] = [];

	constructor(bytes: number, most: number) {
		this.bytes = bytes;
		this.#most = most;
	}

	/** With one use: the taker's. */
	take(): Piece {
		const piece = this.#free.pop() ?? this.#make();
		piece.uses = 1;
		return piece;
	}

	give(piece: Piece): void {
		if (this.#free.length < this.#most) this.#free.push(piece);
	}

	#make(): Piece {
		const piece = { memory: Buffer.allocUnsafeSlow(this.bytes), pool: this, uses: 0 };
		pieces.set(piece.memory.buffer, piece);
		return piece;
	}
}

/** Small cuts share these. */
export const pieceBytes = 1 << 20;
const shared = new Pool(pieceBytes, 8);
const largestShared = 128 * 1024;
/** For one cut each: a piece of a large write, a packet, what is received in one go. */
const single = [new Pool(272 * 1024, 16), new Pool(maxPacket + 1024, 4), new Pool(2 << 20, 6)] as const;

let current = shared.take();
let at = 0;

/** Uninitialised. */
export function passing(bytes: number): Buffer {
	if (bytes > largestShared) {
		const pool = single.find((each) => each.bytes >= bytes);
		return pool === undefined ? Buffer.allocUnsafeSlow(bytes) : pool.take().memory.subarray(0, bytes);
	}
	if (bytes > pieceBytes - at) {
		release(current);
		current = shared.take();
		at = 0;
	}
	const cut = current.memory.subarray(at, at + bytes);
	at += bytes;
	current.uses++;
	return cut;
}

/** One more who looks at it: it has to be given back once more. */
export function keep(cut: Buffer): void {
	const piece = pieces.get(cut.buffer);
	if (piece !== undefined) piece.uses++;
}

/** Nobody looks at this cut, or this part of one, any more. Nothing happens to memory of other origin. */
export function passed(cut: Buffer): void {
	const piece = pieces.get(cut.buffer);
	if (piece !== undefined) release(piece);
}

function release(piece: Piece): void {
	ok(piece.uses > 0, "memory was given back more often than it was taken");
	if (--piece.uses === 0) piece.pool.give(piece);
}
