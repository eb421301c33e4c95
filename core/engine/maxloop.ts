/** The counter of error-driven actions: the (maxloop+1)-th within loop_interval stops the module (spec/01 §6). */

export interface LoopCounter {
	count: number;
	/** Wall clock of the first error counted, milliseconds; 0: none. */
	sinceWallMs: number;
}

export const noErrors: LoopCounter = { count: 0, sinceWallMs: 0 };

/** Counts one more restart, stopstart or wait that an error caused. `loopIntervalMs` 0 switches the counter off. */
export function countError(
	counter: LoopCounter,
	wallMs: number,
	limit: { maxloop: number; loopIntervalMs: number },
): { counter: LoopCounter; exceeded: boolean } {
	if (limit.loopIntervalMs === 0) return { counter: noErrors, exceeded: false };
	const age = wallMs - counter.sinceWallMs;
	// A clock that was set back ends the interval too: the errors counted have no known date any more.
	const fresh = counter.count === 0 || age >= limit.loopIntervalMs || age < 0;
	const next = fresh ? { count: 1, sinceWallMs: wallMs } : { ...counter, count: counter.count + 1 };
	return { counter: next, exceeded: next.count > limit.maxloop };
}
