/** Runs a program that only reads: bounded in time and output, without what the person's environment says. */
import { execa } from "execa";

export interface ToolOptions {
	input?: string;
	timeoutMs: number;
	cwd?: string;
}

export interface ToolAnswer {
	/** null: ended by the time limit or a signal. */
	code: number | null;
	stdout: string;
	stderr: string;
}

const maxOutputBytes = 4 * 1024 * 1024;
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** null: the program is not installed. BASH_ENV and the like are not handed on: a shell would run what they name. */
export async function runTool(program: string, args: string[], options: ToolOptions): Promise<ToolAnswer | null> {
	const ended = await execa(program, args, {
		input: options.input ?? "",
		cwd: options.cwd ?? "/",
		timeout: options.timeoutMs,
		killSignal: "SIGKILL",
		maxBuffer: maxOutputBytes,
		env: { PATH: process.env.PATH || usualPath, LC_ALL: "C.UTF-8" },
		extendEnv: false,
		reject: false,
	});
	if (ended.code === "ENOENT") return null;
	return { code: ended.exitCode ?? null, stdout: ended.stdout ?? "", stderr: ended.stderr ?? "" };
}
