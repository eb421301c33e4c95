/** What the node asks of the scripts service (spec/03, spec/09 §3–§4). The Linux way is in platform/linux. */
import type { UserConfiguration } from "../module/configuration.ts";

export interface ScriptRequest {
	module: string;
	/** Name without extension: start_prim, prestart, _rfs_callback. */
	script: string;
	/** `force` first where it applies, then state, next state, action; `-Services "a, b"` last. */
	args: string[];
	/** null: no limit (start scripts are never killed early). */
	timeoutMs: number | null;
	/** Variables of `<user><var>`; `_rfs_*` callbacks do not see them. */
	vars: UserConfiguration["vars"];
	logging: boolean;
	/** Size that a user log may have; 2048 unless given. */
	userlogSizeKb?: number;
	/**
	 * Given during `safekit config` and for scripts that answer a person (state, level, confcheck): what the script
	 * prints comes here instead of a user log. Such a script does not survive the process that runs it.
	 */
	output?: (chunk: Buffer) => void;
}

export interface ScriptResult {
	/** false: no such script in SAFEUSERBIN; nothing ran. */
	ran: boolean;
	/** null: a signal ended it, or an earlier daemon was its parent. */
	exitCode: number | null;
	timedOut: boolean;
	/** Name of the user log in SAFEUSERVAR. */
	userlog: string | null;
}

/** A script that runs: its process group survives the daemon and can be found again by pid and start time. */
export interface RunningScript {
	pid: number;
	/** Field 22 of /proc/PID/stat: with the pid it names one process for good. */
	startTime: string;
	userlog: string | null;
	ended: Promise<ScriptResult>;
	/** TERM to the process group, KILL 5 s later. */
	kill(): void;
}
