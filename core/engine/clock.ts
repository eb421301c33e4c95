/** Time as a module's loop and its checkers know it. A simulation has days pass in milliseconds. */

/** A call that is to come. */
export interface Alarm {
	/** It is not made any more; nothing if it was made. */
	cancel(): void;
}

export interface Clock {
	/** Monotonic milliseconds, the same for every process of one run of the system. */
	nowMs(): number;
	/** Milliseconds since the epoch, for dates that people read. */
	wallMs(): number;
	/** Calls once, so many milliseconds later; what is not above 0 means at once, after what runs now. */
	after(delayMs: number, call: () => void): Alarm;
}
