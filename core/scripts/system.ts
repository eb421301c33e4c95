/** What running a script needs from the operating system; platform/linux/scripts.ts is the Linux way. */

export interface FoundScript {
	path: string;
	executable: boolean;
}

/** One process for good: a pid alone may be given to another process later. */
export interface ProcessIdentity {
	pid: number;
	startTime: string;
}

export interface StartOptions {
	args: string[];
	cwd: string;
	env: Record<string, string>;
	/** A descriptor that the script writes to itself, a function that gets what it prints, or nothing. */
	output: number | ((chunk: Buffer) => void) | null;
}

export interface StartedScript extends ProcessIdentity {
	/** The exit code, null when a signal ended it. With an output function: after its last call. */
	exited: Promise<number | null>;
}

export interface ScriptSystem {
	/** Standard directories of root's PATH, separated as PATH is. */
	readonly searchPath: string;
	/** The file that a script's name stands for; null: there is none. */
	find(folder: string, script: string): FoundScript | null;
	/** Starts it as the leader of a session of its own. Rejects when the system cannot execute the file. */
	start(file: string, options: StartOptions): Promise<StartedScript>;
	isAlive(process: ProcessIdentity): boolean;
	/** The living processes of a script: all of its session and group, and their descendants. */
	processesOf(leader: ProcessIdentity): ProcessIdentity[];
	/** A process that has ended meanwhile is no error. */
	signal(process: ProcessIdentity, signal: "SIGTERM" | "SIGKILL"): void;
}
