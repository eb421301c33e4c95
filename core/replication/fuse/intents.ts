/**
 * Requests that are being carried out (replication.md §5.9), in memory that outlives this process: the kernel sends
 * to the next one again what was not answered, and nothing may be done twice. A request that could be noticed twice
 * is written down before it is applied, with what tells afterwards whether it was; every change is, once it is applied.
 * Slots have eight words: request, state and result, two files, id (term, number), time, size.
 */
import { maxIntents, type Page } from "../holder/page.ts";
import { parseFileId } from "../local/identity.ts";
import type { FileId, FileRef } from "../operation.ts";

/** What tells later whether a request was applied. */
export interface Intent {
	/** The file that is removed, moved or linked; and one that is replaced or exchanged with it. */
	file?: FileRef;
	other?: FileRef;
	/** Of what is made; null: it is not replicated. */
	id?: FileId | null;
	/** Of the file before. */
	size?: number;
}

/** What the page says of a request that is sent again. */
export interface Recalled {
	applied: boolean;
	/** Of an applied one: the bytes written. */
	result: number;
	file: FileRef;
	other: FileRef;
	/** Term and number of an id, without the node; 0 where there is none. */
	idTerm: bigint;
	idSeq: bigint;
	/** Wall clock, nanoseconds. */
	timeNs: bigint;
	size: bigint;
}

const words = 8;
const [free, begun, done] = [0n, 1n, 2n];
const [uniqueAt, stateAt, fileAt, otherAt, termAt, seqAt, timeAt, sizeAt] = [0, 1, 2, 3, 4, 5, 6, 7];

/** The number of a request as it was when it was sent for the first time. */
export function firstNumber(unique: bigint): bigint {
	return BigInt.asUintN(63, unique);
}

/** Whether the kernel sends this request again. */
export function isResent(unique: bigint): boolean {
	return unique >> 63n !== 0n;
}

export class Intents {
	readonly #page: BigUint64Array;
	readonly #slots = new Map<bigint, number>();
	readonly #free: number[] = [];
	#next = 0;
	readonly #sabotaged: boolean;

	/** @param sabotaged `OPENSAFE_SABOTAGE=no-intents`: everything is forgotten. */
	constructor(page: Page, sabotaged = false) {
		this.#page = page.intents;
		this.#sabotaged = sabotaged;
		for (let slot = 0; slot < maxIntents; slot++) {
			if (this.#page[slot * words + stateAt] === free) continue;
			this.#slots.set(this.#page[slot * words + uniqueAt]!, slot);
			for (; this.#next <= slot; this.#next++) if (this.#next !== slot) this.#free.push(this.#next);
		}
	}

	/** No room for one more: requests have to wait. */
	get full(): boolean {
		return this.#free.length === 0 && this.#next >= maxIntents;
	}

	/** What the process that died knew of a request. */
	recall(unique: bigint): Recalled | null {
		const slot = this.#sabotaged ? undefined : this.#slots.get(firstNumber(unique));
		if (slot === undefined) return null;
		const at = slot * words;
		const word = (index: number): bigint => this.#page[at + index]!;
		return {
			applied: (word(stateAt) & 3n) === done,
			result: Number(word(stateAt) >> 32n),
			file: word(fileAt),
			other: word(otherAt),
			idTerm: word(termAt),
			idSeq: word(seqAt),
			timeNs: word(timeAt),
			size: word(sizeAt),
		};
	}

	/** Before it is applied. */
	begin(unique: bigint, { file = 0n, other = 0n, id = null, size = 0 }: Intent): void {
		const at = this.#slot(firstNumber(unique)) * words;
		const { term, seq } = id === null ? { term: 0, seq: 0n } : parseFileId(id);
		this.#page[at + stateAt] = free;
		this.#page[at + fileAt] = file;
		this.#page[at + otherAt] = other;
		this.#page[at + termAt] = BigInt(term);
		this.#page[at + seqAt] = seq;
		this.#page[at + timeAt] = BigInt(Date.now()) * 1_000_000n;
		this.#page[at + sizeAt] = BigInt(size);
		this.#page[at + stateAt] = begun;
	}

	/** After it was applied, before its answer can be on its way. */
	applied(unique: bigint, result = 0): void {
		const at = this.#slot(firstNumber(unique)) * words;
		this.#page[at + stateAt] = done | (BigInt(result) << 32n);
	}

	/** The kernel has the answer: it never asks again. */
	answered(unique: bigint): void {
		if (this.#slots.size === 0) return;
		const number = firstNumber(unique);
		const slot = this.#slots.get(number);
		if (slot === undefined) return;
		this.#slots.delete(number);
		this.#page[slot * words + stateAt] = free;
		this.#free.push(slot);
	}

	#slot(number: bigint): number {
		const known = this.#slots.get(number);
		if (known !== undefined) return known;
		const slot = this.#free.pop() ?? this.#next++;
		if (slot >= maxIntents) throw new RangeError("more requests than the kernel can have sent");
		this.#slots.set(number, slot);
		this.#page[slot * words + stateAt] = free;
		this.#page[slot * words + uniqueAt] = number;
		return slot;
	}
}
