/** When the next pulse is due. While something is under way pulses are frequent, for a bounded time: a lost one is no delay. */

/** At most so long until what is under way is said again. */
export const urgentGapMs = 25;
const repeatForMs = 100;
const settleForMs = 1000;

export class Cadence {
	readonly #pulseMs: number;
	#urgentMs = 0;
	#dueMs = 0;

	constructor(pulseMs: number) {
		this.#pulseMs = pulseMs;
	}

	tick(elapsedMs: number): void {
		this.#urgentMs = Math.max(0, this.#urgentMs - elapsedMs);
		this.#dueMs -= elapsedMs;
	}

	/** A view is on its way. */
	unsettle(): void {
		this.#urgentMs = settleForMs;
	}

	/** Nothing is on its way any more. */
	settle(): void {
		this.#urgentMs = Math.min(this.#urgentMs, repeatForMs);
	}

	/** Something new is to be said. */
	renew(): void {
		this.#urgentMs = Math.max(this.#urgentMs, repeatForMs);
	}

	said(): void {
		this.#dueMs = this.#urgentMs > 0 ? urgentGapMs : this.#pulseMs;
	}

	isDue(tickMs: number): boolean {
		return this.#dueMs <= tickMs / 2;
	}
}
