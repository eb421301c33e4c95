/** The counter of error-driven actions: the (maxloop+1)-th within loop_interval stops the module (spec/01 §6). */

/** How many errors were counted, and since when. */
export interface LoopCounter {
	count: number;
	/** Wall clock of the first error counted, milliseconds; without errors, when the counter was set to 0 (0: never). */
	sinceWallMs: number;
}

/** How many errors are too many: more than `maxloop` within `loopIntervalMs` milliseconds (0: no limit). */
export interface LoopLimit {
	maxloop: number;
	loopIntervalMs: number;
}

/**
 * A counter that nothing was counted with.
 *
 * @example
 * const state = { ...initial, loop: noErrors };
 */
export const noErrors: LoopCounter = { count: 0, sinceWallMs: 0 };

/**
 * Counts one more restart, stopstart or wait that an error caused. `loopIntervalMs` 0 switches the counter off.
 *
 * @example
 * countError(noErrors, wallMs, { maxloop: 3, loopIntervalMs: 86_400_000 }); // { counter: { count: 1, … }, exceeded: false }
 */
export function countError(
	counter: LoopCounter,
	wallMs: number,
	limit: LoopLimit,
): { counter: LoopCounter; exceeded: boolean } {
	if (limit.loopIntervalMs === 0) return { counter: noErrors, exceeded: false };
	const age = wallMs - counter.sinceWallMs;
	// A clock that was set back ends the interval too: the errors counted have no known date any more.
	const fresh = counter.count === 0 || age >= limit.loopIntervalMs || age < 0;
	const next = fresh ? { count: 1, sinceWallMs: wallMs } : { ...counter, count: counter.count + 1 };
	return { counter: next, exceeded: next.count > limit.maxloop };
}

/**
 * `checkloop`: the limit was exceeded within loop_interval.
 *
 * @example
 * isLoopReached({ count: 4, sinceWallMs: 0 }, 1000, { maxloop: 3, loopIntervalMs: 60_000 }); // true
 */
export function isLoopReached(counter: LoopCounter, wallMs: number, limit: LoopLimit): boolean {
	const age = wallMs - counter.sinceWallMs;
	return limit.loopIntervalMs > 0 && age >= 0 && age < limit.loopIntervalMs && counter.count > limit.maxloop;
}

/**
 * The value of heart.stopstartloop: when the counter began, in seconds since 1970.
 *
 * @example
 * loopResource({ count: 1, sinceWallMs: 1_700_000_000_000 }); // "1700000000"
 */
export function loopResource({ sinceWallMs }: LoopCounter): string {
	return String(Math.floor(sinceWallMs / 1000));
}
