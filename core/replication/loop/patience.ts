/**
 * How long the data thread looks for work itself before it sleeps. To be woken costs 25 to 35 µs where cores are
 * virtual, more than a whole write; to look for longer than anything comes costs the application its processor. So the
 * time that is spent looking follows what it brought. Pure: the clock comes in.
 */

const leastMs = 0.01;
const mostMs = 0.3;
/** One useless look in a stream of useful ones must not end the stream. */
const shrinking = 0.8;

export class Patience {
	#budgetMs = mostMs;
	#sinceMs = 0;
	/** The thread is between its last work and its next sleep. */
	#looking = false;

	/** So long after the last work it sleeps. */
	get budgetMs(): number {
		return this.#budgetMs;
	}

	/** Something was done at this time: what comes next is worth looking for. */
	worked(nowMs: number): void {
		// What came late in the time almost came too late.
		if (this.#looking && nowMs - this.#sinceMs > this.#budgetMs / 2) this.#grow();
		this.#looking = true;
		this.#sinceMs = nowMs;
	}

	/** False: looking has brought nothing for so long that the thread should sleep. */
	looks(nowMs: number): boolean {
		if (!this.#looking) return false;
		if (nowMs - this.#sinceMs < this.#budgetMs) return true;
		this.#looking = false;
		this.#budgetMs = Math.max(leastMs, this.#budgetMs * shrinking);
		return false;
	}

	/** It slept and was woken by work: a little more patience would have saved that. */
	woken(sleptMs: number): void {
		if (sleptMs < mostMs) this.#grow();
	}

	#grow(): void {
		this.#budgetMs = Math.min(mostMs, this.#budgetMs * 2);
	}
}
