/** What goes to the system log (spec/10 §1): tag `safekit[<pid>]`, message `AM | origin | text`. Never waits. */
import type { LogLevel } from "../engine/contract.ts";
import type { LogLine } from "./moduleLog.ts";

/** Sends one datagram to a unix socket, at once or not at all. Implemented in core/platform/linux. */
export interface DatagramSender {
	/** False if nobody listens, or if it would have to wait. */
	send(socketPath: string, data: Buffer): boolean;
}

/** Where the system log listens. */
const socketPath = "/dev/log";
const facilityDaemon = 3;
const severities: Record<LogLevel, number> = { C: 4, E: 6, U: 6, S: 6, W: 4, I: 6, D: 7 };
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** One message in the form of RFC 3164. */
export function formatSyslog(module: string, line: LogLine, pid: number): string {
	const date = new Date(Math.floor(line.us / 1000));
	const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
	const day = `${months[date.getMonth()]} ${String(date.getDate()).padStart(2, " ")}`;
	const priority = facilityDaemon * 8 + severities[line.level];
	return `<${priority}>${day} ${time} safekit[${pid}]: ${module} | ${line.origin} | ${line.text}`;
}

/** Sends a line to the system log; a server without one is no error. */
export function toSyslog(sender: DatagramSender, module: string, line: LogLine): void {
	sender.send(socketPath, Buffer.from(formatSyslog(module, line, process.pid)));
}
