/** Dates of the logs: wall clock in microseconds, never two the same within one process. And the time of this machine. */
import type { Clock } from "../engine/clock.ts";

/** setTimeout cannot wait longer; longer waits are cut into pieces. */
const longestMs = 2_000_000_000;

/** The real time. */
export const systemClock: Clock = {
	nowMs: () => Number(process.hrtime.bigint() / 1_000_000n),
	wallMs: () => Date.now(),
	after(delayMs, call) {
		if (delayMs <= 0) {
			const soon = setImmediate(call);
			return { cancel: () => clearImmediate(soon) };
		}
		let timer: NodeJS.Timeout;
		const wait = (leftMs: number): void => {
			const pieceMs = Math.min(leftMs, longestMs);
			timer = setTimeout(() => (leftMs > pieceMs ? wait(leftMs - pieceMs) : call()), pieceMs);
		};
		wait(Math.ceil(delayMs));
		return { cancel: () => clearTimeout(timer) };
	},
};

let last = 0;
let anchorUs = 0;
let anchorMonotonicUs = 0;

/** Microseconds since the epoch, local order kept: a later call gives a larger number unless the clock was set back. */
export function nowUs(): number {
	const wallUs = Date.now() * 1000;
	const monotonicUs = Number(process.hrtime.bigint() / 1000n);
	let us = anchorUs + (monotonicUs - anchorMonotonicUs);
	// The wall clock was set, or this is the first call: Date.now() is the truth, to the millisecond.
	if (Math.abs(us - wallUs) > 2000) {
		anchorUs = wallUs;
		anchorMonotonicUs = monotonicUs;
		us = wallUs;
		if (wallUs < last - 1_000_000) last = 0;
	}
	last = us > last ? us : last + 1;
	return last;
}

/** `YYYY-MM-DD HH:MM:SS.uuuuuu` in local time (spec/10 §1, Linux form). */
export function formatUs(us: number): string {
	const date = new Date(Math.floor(us / 1000));
	const two = (n: number) => String(n).padStart(2, "0");
	const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
	const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
	return `${day} ${time}.${String(us % 1_000_000).padStart(6, "0")}`;
}
