/**
 * Whether one heartbeat lives. Pure: time comes in as ticks of the own thread, and a tick counts at most twice its
 * length. So a thread that could not run (a busy machine, a paused virtual machine) does not take its own absence for
 * the peer's silence, and a dead peer is still noticed, since every tick counts for something.
 */
export class PathWatch {
	readonly #timeoutMs: number;
	readonly #tickMs: number;
	#silenceMs = 0;
	#hear: boolean | null = null;
	#heard: boolean | null = null;
	#reported: boolean | null = null;

	constructor(timeoutMs: number, tickMs: number) {
		this.#timeoutMs = timeoutMs;
		this.#tickMs = tickMs;
	}

	/** Do I hear the peer? null: I have just started. This is what pulses say. */
	get hear(): boolean | null {
		return this.#hear;
	}

	/** What `changed` said last; null: nothing yet. */
	get reported(): boolean | null {
		return this.#reported;
	}

	/** A pulse was accepted; `heard` is what the peer says of our pulses. */
	pulse(heard: boolean | null): void {
		this.#silenceMs = 0;
		this.#hear = true;
		// A peer that has just started knows nothing yet: what its predecessor said holds.
		if (heard !== null) this.#heard = heard;
	}

	/** `elapsedMs` of the monotonic clock have passed; to be called after everything received has been handled. */
	tick(elapsedMs: number): void {
		this.#silenceMs += Math.min(elapsedMs, 2 * this.#tickMs);
		if (this.#silenceMs >= this.#timeoutMs) this.#hear = false;
	}

	/** The heartbeat's state if it has changed since the last call. A loss in one direction is a loss. */
	changed(): boolean | undefined {
		const lost = this.#hear === false || this.#heard === false;
		const up = this.#hear === true && this.#heard === true;
		if (up && this.#reported !== true) return this.#report(true);
		if (lost && this.#reported !== false) return this.#report(false);
		return undefined;
	}

	#report(up: boolean): boolean {
		this.#reported = up;
		return up;
	}
}

/** How often pulses are really sent: a restart of the peer's daemon must not look like a loss (design §8). */
export function effectivePulseMs(pulseMs: number, timeoutMs: number): number {
	return Math.max(20, Math.min(pulseMs, timeoutMs / 10));
}
