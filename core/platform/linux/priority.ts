/** Priority of the calling thread: heartbeats must be sent and heard while the application uses every core. */
import { setPriority } from "node:os";
import { native, orErrno } from "./native.ts";

const SCHED_RR = 2;
/** What the thread starts runs as before. */
const RESET_ON_FORK = 0x40000000;

/**
 * Makes the calling thread run before all ordinary ones: real-time round robin at its lowest priority, else nice −20.
 * Returns how it runs now; `normal` where the system allows neither (a container without CAP_SYS_NICE).
 */
export function raisePriority(): "realtime" | "nice" | "normal" {
	const parameter = Buffer.alloc(4);
	parameter.writeInt32LE(1);
	const set = native("int sched_setscheduler(int, int, const void *)");
	if (orErrno(set(0, SCHED_RR | RESET_ON_FORK, parameter)) === 0) return "realtime";
	try {
		// On Linux 0 names the calling thread, not the process.
		setPriority(0, -20);
		return "nice";
	} catch {
		return "normal";
	}
}
