/**
 * What a checker imports from "opensafe". This very file runs inside the isolate (types stripped), so it imports
 * nothing; everything that a checker returns is read once more by the one who runs it.
 */

/** A time: a number of milliseconds, or text such as `"5s"`, `"500ms"`, `"1m"`. */
export type Duration = number | string;

/** What a checker found out; made by `up` and `down`. */
export interface CheckerVerdict {
	readonly state: "up" | "down";
	/** For the module log; at most 500 characters are kept. */
	readonly reason: string;
}

/** When a checker runs and how long it may take. */
export interface CheckerTimes {
	/** From the start of one run to the start of the next: 1 s to 1 day, default `"10s"`. */
	every?: Duration;
	/** A run that takes longer counts as down: 10 ms to 1 h, default `"5s"`. */
	timeout?: Duration;
	/** Most memory that it may use, in MB: 8 to 128, default 32. */
	memory?: number;
}

/** A checker as a file exports it: `export default checker(…)`. */
export interface CheckerDefinition<Context = unknown> {
	readonly kind: "opensafe checker";
	readonly times: Readonly<CheckerTimes>;
	readonly run: (ctx: Context) => Promise<CheckerVerdict> | CheckerVerdict;
}

/** Declares a checker. @throws TypeError when an argument is not what it must be. */
export function checker<Context>(
	times: CheckerTimes,
	run: (ctx: Context) => Promise<CheckerVerdict> | CheckerVerdict,
): CheckerDefinition<Context> {
	if (typeof times !== "object" || times === null) throw new TypeError("checker: the first argument holds its times");
	if (typeof run !== "function") throw new TypeError("checker: the second argument is the function that tests");
	const { every = "10s", timeout = "5s", memory = 32 } = times;
	return Object.freeze({ kind: "opensafe checker", times: Object.freeze({ every, timeout, memory }), run });
}

/**
 * The application is well. `reason` is only for the log.
 *
 * @example
 * return up();
 */
export function up(reason = ""): CheckerVerdict {
	return Object.freeze({ state: "up", reason: String(reason) });
}

/**
 * The application is not well, and why, in words for the module log.
 *
 * @example
 * return down(`HTTP ${answer.status}`);
 */
export function down(reason: string): CheckerVerdict {
	return Object.freeze({ state: "down", reason: String(reason) });
}
