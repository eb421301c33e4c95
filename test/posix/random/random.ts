/** Reproducible choices (mulberry32). */
export class Choices {
	#state: number;

	/** The same parts give the same choices. */
	constructor(...parts: number[]) {
		this.#state = parts.reduce((state, part) => Math.imul(state ^ part, 0x9e3779b1) ^ (state >>> 13), 0x12345678) >>> 0;
		this.below(1);
	}

	/** 0 … n − 1. */
	below(n: number): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
		x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
		return ((x ^ (x >>> 14)) >>> 0) % n;
	}

	of<T>(values: readonly T[]): T {
		return values[this.below(values.length)] as T;
	}
}
