/** Commands that run in the launcher's own process: they need neither the daemon nor `$SAFE`. */
import { spawnSync } from "node:child_process";
import { userInfo } from "node:os";
import { join } from "node:path";
import { allGroups } from "./all.ts";
import { terminalAsk } from "./ask.ts";
import type { Call } from "./call.ts";
import { runProgram } from "./program.ts";
import { pathsText } from "./reference.ts";
import { runSafebin } from "./safebin.ts";

/** The simulator of whole clusters stands beside the tests; it is a program of its own. */
const simulator = join(import.meta.dirname, "../../test/simulation/main.ts");

/** Runs a command here and returns its exit code. */
export function runLocal(argv: string[]): Promise<number> {
	if (argv[0] === "simulate") {
		const ran = spawnSync(process.execPath, [simulator, ...argv.slice(1)], { stdio: "inherit" });
		return Promise.resolve(ran.status ?? 1);
	}
	if (argv[0] === "-p") {
		process.stdout.write(pathsText());
		return Promise.resolve(0);
	}
	if (argv[0] === "-r") return Promise.resolve(runSafebin(argv.slice(1)));
	const abort = new AbortController();
	process.once("SIGINT", () => abort.abort());
	const ask = terminalAsk();
	const call: Call = {
		argv: argv.length === 0 ? ["--help"] : argv,
		module: process.env.SAFEMODULE,
		who: userInfo().username,
		cwd: process.cwd(),
		pid: process.pid,
		tty: process.stdout.isTTY === true,
		...(ask === undefined ? {} : { ask }),
		out: (text) => void process.stdout.write(text),
		err: (text) => void process.stderr.write(text),
		signal: abort.signal,
	};
	return runProgram(call, null, allGroups);
}
