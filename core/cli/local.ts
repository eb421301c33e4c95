/** Commands that run in the launcher's own process: they need neither the daemon nor `$SAFE`. */
import { userInfo } from "node:os";
import { allGroups } from "./all.ts";
import type { Call } from "./call.ts";
import { runProgram } from "./program.ts";

/** Runs a command here and returns its exit code. */
export function runLocal(argv: string[]): Promise<number> {
	const abort = new AbortController();
	process.once("SIGINT", () => abort.abort());
	const call: Call = {
		argv: argv.length === 0 ? ["--help"] : argv,
		module: process.env.SAFEMODULE,
		who: userInfo().username,
		cwd: process.cwd(),
		pid: process.pid,
		tty: process.stdout.isTTY === true,
		out: (text) => void process.stdout.write(text),
		err: (text) => void process.stderr.write(text),
		signal: abort.signal,
	};
	return runProgram(call, null, allGroups);
}
