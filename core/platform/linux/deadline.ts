/** The kernel ends this process when it has worked for too long without a word: nothing in it can prevent that. */
import type { Deadline } from "../../sandbox/process/quick.ts";
import { native, orErrno } from "./native.ts";

const setitimer = native("int setitimer(int, const void *, void *)");
/** Time on a processor, of all threads; SIGPROF ends the process. */
const profiling = 2;
const never = timerOf(0);

/** An interval timer that fires once: the interval, then the time, each in seconds and microseconds. */
function timerOf(ms: number): Buffer {
	const timer = Buffer.alloc(4 * 8);
	timer.writeBigInt64LE(BigInt(Math.floor(ms / 1000)), 16);
	timer.writeBigInt64LE(BigInt((ms % 1000) * 1000), 24);
	return timer;
}

/** `ms`: of a processor, between `begin` and `end`. */
export function processorDeadline(ms: number): Deadline {
	const timer = timerOf(ms);
	return {
		begin: () => void orErrno(setitimer(profiling, timer, null)),
		end: () => void orErrno(setitimer(profiling, never, null)),
	};
}
