/** When the calling thread runs: heartbeats must be sent and heard, and writes answered, while the application uses every core. */
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

/** Numbers of sched_setattr and sched_getattr. */
const [setAttributes, getAttributes] = process.arch === "arm64" ? [274, 275] : [314, 315];
/** The shortest that the kernel takes, in nanoseconds. */
const sliceNs = 100_000n;

/**
 * Short turns for the calling thread: it gets no more of a core than others, but what is woken for a short turn comes
 * before what is in the middle of a long one, instead of after it (EEVDF, Linux 6.12 and later; before that nothing
 * changes). 0, or −errno.
 */
export function takeShortTurns(): number {
	const call = native("int64_t syscall(int64_t, int64_t, void *, int64_t, int64_t)");
	const attributes = Buffer.alloc(56);
	const got = orErrno(call(getAttributes, 0, attributes, attributes.length, 0));
	if (got < 0) return got;
	// struct sched_attr: size, policy, flags, nice, priority, then the slice.
	if (attributes.readUInt32LE(4) !== 0) return 0;
	attributes.writeBigUInt64LE(sliceNs, 24);
	return orErrno(call(setAttributes, 0, attributes, 0, 0));
}
