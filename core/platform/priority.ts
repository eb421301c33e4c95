/** The one thing of the operating system that the heartbeat thread needs; apart from index.ts so that it starts fast. */
import { raisePriority as raiseOnLinux } from "./linux/priority.ts";

/** Makes the calling thread run before ordinary ones. Returns how it runs now. */
export function raisePriority(): "realtime" | "nice" | "normal" {
	return process.platform === "linux" ? raiseOnLinux() : "normal";
}
