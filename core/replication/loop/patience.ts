/**
 * How long the data thread looks for work itself before it sleeps. To be woken costs 25 to 35 µs where cores are
 * virtual, more than a whole write; to look for longer than anything comes costs the application its processor. So the
 * time that is spent looking follows what it brought. Where others want the core it does not look at all: they may be
 * who brings the work, looking uses up the turn in which it would be done, and on a core that is busy it is woken at
 * once. Pure: the clock comes in.
 */

const leastMs = 0.01;
const mostMs = 0.3;
/** One useless look in a stream of useful ones must not end the stream. */
const shrinking = 0.8;
/** Two looks are so far apart only when somebody else had the core in between. */
const gapMs = 0.1;
/** For so long it does not look then: twice as long each time, half as long after a look that was not disturbed. */
const leastPauseMs = 2;
const mostPauseMs = 128;

export class Patience {
	#budgetMs = mostMs;
	#sinceMs = 0;
	/** The thread is between its last work and its next sleep. */
	#looking = false;
	/** The look before; below zero: none since the last work. */
	#lookedMs = -1;
	#pausedUntilMs = 0;
	#pauseMs = leastPauseMs;

	/** So long after the last work it sleeps. */
	get budgetMs(): number {
		return this.#budgetMs;
	}

	/** Something was done at this time: what comes next is worth looking for. */
	worked(nowMs: number): void {
		// What came late in the time almost came too late.
		if (this.#looking && nowMs - this.#sinceMs > this.#budgetMs / 2) this.#grow();
		if (this.#looking && this.#lookedMs >= 0) this.#pauseMs = Math.max(leastPauseMs, this.#pauseMs / 2);
		this.#looking = true;
		this.#sinceMs = nowMs;
		this.#lookedMs = -1;
	}

	/** False: looking has brought nothing for so long that the thread should sleep. */
	looks(nowMs: number): boolean {
		if (!this.#looking || nowMs < this.#pausedUntilMs) return this.#end();
		if (this.#lookedMs >= 0 && nowMs - this.#lookedMs > gapMs) {
			this.#pausedUntilMs = nowMs + this.#pauseMs;
			this.#pauseMs = Math.min(mostPauseMs, this.#pauseMs * 2);
			return this.#end();
		}
		this.#lookedMs = nowMs;
		if (nowMs - this.#sinceMs < this.#budgetMs) return true;
		this.#budgetMs = Math.max(leastMs, this.#budgetMs * shrinking);
		return this.#end();
	}

	/** It slept and was woken by work at this time: a little more patience would have saved that. */
	woken(nowMs: number, sleptMs: number): void {
		if (sleptMs < mostMs && nowMs >= this.#pausedUntilMs) this.#grow();
	}

	#end(): false {
		this.#looking = false;
		return false;
	}

	#grow(): void {
		this.#budgetMs = Math.min(mostMs, this.#budgetMs * 2);
	}
}
