/**
 * The bandwidth that a resync may take (`reiallowedbw`, spec/06 §2): bytes that are sent move the moment on at which
 * more may be. Time in which nothing was sent is not saved up: it would come back as a burst. Pure.
 */

/** A slice that began late may make good so much. */
const savedMs = 100;

export class Pace {
	readonly #bytesPerMs: number;
	#dueMs: number;
	#sent = 0;

	/** @param kbPerS null: unlimited. */
	constructor(kbPerS: number | null, nowMs: number) {
		this.#bytesPerMs = kbPerS === null ? Number.POSITIVE_INFINITY : kbPerS * 1.024;
		this.#dueMs = nowMs;
	}

	/** More may be sent now. @param sent bytes that were sent in all. */
	allows(sent: number, nowMs: number): boolean {
		this.#dueMs = Math.max(this.#dueMs, nowMs - savedMs) + (sent - this.#sent) / this.#bytesPerMs;
		this.#sent = sent;
		return this.#dueMs <= nowMs;
	}
}
