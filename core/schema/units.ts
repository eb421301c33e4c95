/** Durations as they are written in userconfig.xml (spec/02 §0.1). */
import { type TimeUnit, unitMs } from "./declare.ts";

/** The longest time that Node's timers can wait; longer ones would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export type ReadTime = { ms: number } | { wrong: "unit" | "form" | "range"; expected: string };

/**
 * Reads a duration whose implicit unit is `unit`: a bare number counts in it; another unit is converted to it and
 * rounded to an integer, halves to the even one. A non-zero value that rounds to 0 is wrong.
 */
export function readTime(text: string, unit: TimeUnit, bounds: { min?: number; maxMs?: number } = {}): ReadTime {
	const match = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*(d|h|m|s|ms|us)?\s*$/.exec(text);
	if (match === null) return { wrong: "form", expected: `a time such as 10${unit}` };
	const number = Number(match[1]);
	const exact = (number * unitMs[(match[2] as TimeUnit | undefined) ?? unit]) / unitMs[unit];
	const rounded = roundHalfToEven(exact);
	if (number !== 0 && rounded === 0) return { wrong: "unit", expected: `time unit: '${unit}'` };
	const ms = rounded * unitMs[unit];
	const min = bounds.min ?? 0;
	const maxMs = bounds.maxMs ?? longestTimerMs;
	if (rounded < min || ms > maxMs) {
		return { wrong: "range", expected: `a time between ${min}${unit} and ${Math.floor(maxMs / unitMs[unit])}${unit}` };
	}
	return { ms };
}

function roundHalfToEven(value: number): number {
	const below = Math.floor(value);
	if (value - below !== 0.5) return Math.round(value);
	return below % 2 === 0 ? below : below + 1;
}
