/** What a daemon needs of the operating system before anything else is loaded; apart from index.ts so that it starts fast. */
import { raisePriority as raiseOnLinux } from "./linux/priority.ts";
import { osIncarnation as incarnationOnLinux } from "./linux/server.ts";
import { tentativeInterfaces as tentativeOnLinux } from "./linux/tentative.ts";

/** Makes the calling thread run before ordinary ones. Returns how it runs now. */
export function raisePriority(): "realtime" | "nice" | "normal" {
	return process.platform === "linux" ? raiseOnLinux() : "normal";
}

/** Names one run of the operating system. Where that cannot be told, every start of the daemon counts as one. */
export function osIncarnation(): string {
	return process.platform === "linux" ? incarnationOnLinux() : `${process.pid}/${process.hrtime.bigint()}`;
}

/** Names of interfaces that have a cable and cannot yet ask where an IPv6 neighbour is. */
export function tentativeInterfaces(): ReadonlySet<string> {
	return process.platform === "linux" ? tentativeOnLinux() : new Set();
}
