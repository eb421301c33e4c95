/**
 * What of one file is still to be compared. `pending` parts may differ: a live change of them is not sent but found by
 * the comparison. Everything else is equal on both sides, and live changes of it are sent (replication.md §5.8).
 */
import { endless, Ranges } from "./ranges.ts";

/** A part that the target was asked about. */
export interface Piece {
	readonly from: bigint;
	readonly to: bigint;
	/** What was sent meanwhile has changed it on the target: its answer says nothing. */
	stale: boolean;
}

export class FileWork {
	readonly #pending = new Ranges();
	/** Pending, and not asked yet. */
	readonly #open = new Ranges();
	readonly #asked = new Set<Piece>();
	attributes = false;
	/** It waits for its turn. */
	queued = false;
	/** The target has not said yet whether it found the file or made it, empty: then all of it is to be compared. */
	placing = false;
	/** Something differs or has changed: size and attributes are set in the end in any case. */
	touched = false;
	/** It was counted as one that differed. */
	counted = false;
	/** Bytes of it that were sent. */
	sent = 0;
	/** It takes a lane. */
	large = false;

	/** Anything of the content or the attributes is to be compared. */
	get wanted(): boolean {
		return this.attributes || this.#pending.list.length > 0;
	}

	get waiting(): boolean {
		return this.#asked.size > 0;
	}

	get parts(): number {
		return this.#asked.size;
	}

	addAll(): this {
		this.attributes = true;
		this.add(0n, endless);
		return this;
	}

	add(from: bigint, to: bigint): void {
		const widened = this.#pending.add(from, to);
		const part = widened ? this.#pending.list[0]! : { from, to };
		this.#open.add(part.from, part.to);
		for (const piece of this.#asked) if (!piece.stale) this.#open.remove(piece.from, piece.to);
	}

	isPending(from: bigint, to: bigint): boolean {
		return this.#pending.meets(from, to);
	}

	/** The next part to ask about within a file of this size. */
	next(size: bigint): { from: bigint; to: bigint } | null {
		const found = this.#open.next(0n);
		return found === null || found.from >= size ? null : { from: found.from, to: found.to < size ? found.to : size };
	}

	ask(from: bigint, to: bigint): Piece {
		const piece = { from, to, stale: false };
		this.#asked.add(piece);
		this.#open.remove(from, to);
		return piece;
	}

	/** Answered. True: the answer still says what the target has there. */
	answered(piece: Piece): boolean {
		this.#asked.delete(piece);
		if (piece.stale) this.#open.add(piece.from, piece.to);
		return !piece.stale;
	}

	/** Both sides have the same here from now on. */
	equal(from: bigint, to: bigint): void {
		this.#pending.remove(from, to);
	}

	/** To be asked about once more. */
	again(from: bigint, to: bigint): void {
		this.#open.add(from, to);
	}

	/** The target has something else here than it answered, or will answer. */
	outdate(from: bigint, to: bigint): void {
		for (const piece of this.#asked) if (piece.from < to && from < piece.to) piece.stale = true;
	}

	/** Bytes to compare of a file of this size. */
	bytes(size: bigint): number {
		return this.#pending.bytes(size);
	}
}
