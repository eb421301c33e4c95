/** Parts of a file's content, as sorted ranges that do not touch each other. Bytes; `to` is exclusive. */

export interface Range {
	from: bigint;
	to: bigint;
}

export const endless = 1n << 62n;
/** More of them widen to one. */
const mostRanges = 4096;

export class Ranges {
	#ranges: Range[] = [];

	get list(): readonly Range[] {
		return this.#ranges;
	}

	/** True: there were too many parts, so that now everything between the first and the last is one. */
	add(from: bigint, to: bigint): boolean {
		if (from >= to) return false;
		const [start, end] = [this.#firstBehind(from - 1n), this.#firstBeginningBehind(to)];
		const met = this.#ranges.slice(start, end);
		const low = met.length > 0 && met[0]!.from < from ? met[0]!.from : from;
		const high = met.length > 0 && met.at(-1)!.to > to ? met.at(-1)!.to : to;
		this.#ranges.splice(start, end - start, { from: low, to: high });
		if (this.#ranges.length <= mostRanges) return false;
		this.#ranges = [{ from: this.#ranges[0]!.from, to: this.#ranges.at(-1)!.to }];
		return true;
	}

	remove(from: bigint, to: bigint): void {
		if (from >= to) return;
		const start = this.#firstBehind(from);
		let end = start;
		const left: Range[] = [];
		for (; end < this.#ranges.length && this.#ranges[end]!.from < to; end++) {
			const range = this.#ranges[end]!;
			if (range.from < from) left.push({ from: range.from, to: from });
			if (range.to > to) left.push({ from: to, to: range.to });
		}
		this.#ranges.splice(start, end - start, ...left);
	}

	/** The first part at or behind `cursor`, null: none. */
	next(cursor: bigint): Range | null {
		const found = this.#ranges[this.#firstBehind(cursor)];
		return found === undefined ? null : { from: found.from > cursor ? found.from : cursor, to: found.to };
	}

	meets(from: bigint, to: bigint): boolean {
		const found = this.next(from);
		return found !== null && found.from < to;
	}

	/** Bytes within a file of this size. */
	bytes(size: bigint): number {
		let sum = 0n;
		for (const { from, to } of this.#ranges) if (from < size) sum += (to < size ? to : size) - from;
		return Number(sum);
	}

	/** Index of the first part that ends behind `at`. */
	#firstBehind(at: bigint): number {
		let [low, high] = [0, this.#ranges.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.#ranges[middle]!.to > at) high = middle;
			else low = middle + 1;
		}
		return low;
	}

	/** Index of the first part that begins behind `at`. */
	#firstBeginningBehind(at: bigint): number {
		let [low, high] = [0, this.#ranges.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.#ranges[middle]!.from > at) high = middle;
			else low = middle + 1;
		}
		return low;
	}
}
