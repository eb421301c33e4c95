/** What watching processes and services asks of the operating system; platform/linux carries it out. */

/** A service as systemd has it. `unknown`: it could not be asked. */
export type ServiceState = "running" | "stopped" | "absent" | "unknown";

export interface ProcessSystem {
	/** Longest name of a command that the system keeps; longer ones are cut to it. */
	readonly nameLimit: number;
	/** Names of the commands of all processes, by pid. Gives way to other work in between. */
	names(): Promise<Map<number, string>>;
	/** Whether the process still runs, and is not only waiting to be noticed by its parent. */
	isRunning(pid: number): boolean;
	/** The full argument list with blanks between, cut to 64 KiB; empty for a process of the kernel, or a gone one. */
	argumentsOf(pid: number): string;
	parentOf(pid: number): number | null;
	/** A process that has ended meanwhile is no error. */
	signal(pid: number, signal: "SIGTERM" | "SIGKILL"): void;
	/** Asked once for many. What does not answer within a few seconds is `unknown`. */
	services(names: readonly string[]): Promise<Map<string, ServiceState>>;
}
