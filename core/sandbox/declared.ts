/** What a checker says of itself: its times and its memory. */
import { readTime } from "../schema/units.ts";
import { memoryLimits, runLimits, timeLimits } from "./limits.ts";
import type { Fault } from "./messages.ts";
import { readBegun } from "./reading.ts";

/** `wrong`: the checker is to blame, in words; `unknown`: somebody else is. */
export type Declared =
	| { everyMs: number; timeoutMs: number; memoryMb: number }
	| { wrong: string }
	| { unknown: string };

/** What becomes of an isolate, as the checker's reason. */
export const cellFaults: Record<Fault, string> = {
	cpu: `it used more than ${runLimits.cpuMs} ms of a processor in one run`,
	memory: "it used more memory than it may (memory in checker({ … }) sets up to 128 MB)",
	time: "it did not finish in time",
};

export function declaredOf(said: string): Declared {
	const begun = readBegun(said);
	if ("wrong" in begun) return begun;
	const { every, timeout, memory } = begun.times;
	const everyMs = timeOf("every", every);
	if (typeof everyMs === "string") return { wrong: everyMs };
	const timeoutMs = timeOf("timeout", timeout);
	if (typeof timeoutMs === "string") return { wrong: timeoutMs };
	const { least, most } = memoryLimits;
	if (!(memory >= least && memory <= most))
		return { wrong: `memory is ${memory}; it goes from ${least} to ${most} (MB)` };
	return { everyMs, timeoutMs, memoryMb: Math.floor(memory) };
}

function timeOf(name: "every" | "timeout", value: string | number): number | string {
	const { least, most } = timeLimits[name];
	const read = readTime(String(value), "ms", { min: least, maxMs: most });
	return "ms" in read ? read.ms : `${name} is ${JSON.stringify(value)}; expected ${read.expected}, such as "5s"`;
}
