/** Runs the scripts of modules, and finds those again that an earlier daemon started (spec/03, spec/09 §4). */
import { closeSync } from "node:fs";
import { join } from "node:path";
import { SafekitError } from "../errors.ts";
import type { Paths } from "../module/paths.ts";
import { scriptEnvironment } from "./environment.ts";
import { killScript } from "./kill.ts";
import type { RunningScript, ScriptRequest, ScriptResult } from "./runner.ts";
import type { ProcessIdentity, ScriptSystem } from "./system.ts";
import { defaultSizeKb, makeRoom, openUserlog, trimUserlog, type Userlog } from "./userlog.ts";

export interface ScriptContext {
	system: ScriptSystem;
	paths: Paths;
	/** Environment of the daemon: what scripts inherit from the system. */
	env: Readonly<Record<string, string | undefined>>;
	/** The module's log, origin `userplug`. */
	log(level: "E" | "W", text: string): void;
}

/** How often a growing user log is looked at while its script runs, and while only what it started still prints. */
const [watchMs, slowWatchMs] = [250, 10_000];
const adoptedPollMs = 200;

/**
 * Starts a script of SAFEUSERBIN. Null: there is none, or it is not executable, which the log says. It leads its own
 * session and prints into its user log itself, so that it outlives the daemon.
 * Errors: SCRIPT_NOT_STARTED when the system cannot execute the file.
 */
export async function runScript(request: ScriptRequest, context: ScriptContext): Promise<RunningScript | null> {
	const { system, paths } = context;
	const folders = paths.module(request.module);
	const found = system.find(folders.userBin, request.script);
	if (found === null) return null;
	if (!found.executable) {
		const text = `Script ${request.script} is skipped: it is not executable (chmod +x ${found.path})`;
		// Everyone sees level E: without its start script an application does not run.
		if (request.output) request.output(Buffer.from(`Warning: ${text}\n`));
		else context.log("E", text);
		return null;
	}
	return await runProgram(found.path, request, context);
}

/** Starts a program as a script; `request.script` names its user log. Errors: SCRIPT_NOT_STARTED. */
export async function runProgram(path: string, request: ScriptRequest, context: ScriptContext): Promise<RunningScript> {
	const { system, paths } = context;
	const folders = paths.module(request.module);
	const limitBytes = (request.userlogSizeKb ?? defaultSizeKb) * 1024;
	const userlog = request.logging && !request.output ? newUserlog(request, folders.userVar, limitBytes, context) : null;
	try {
		const started = await system.start(path, {
			args: request.args,
			cwd: folders.userBin,
			env: scriptEnvironment({ ...request, paths }, context.env, system.searchPath),
			output: request.output ?? userlog?.fd ?? null,
		});
		if (userlog !== null) watchSize(join(folders.userVar, userlog.name), limitBytes, started, system);
		return supervise(started, started.exited, userlog?.name ?? null, request.timeoutMs, context);
	} catch (error) {
		throw new SafekitError("SCRIPT_NOT_STARTED", `${path}: ${(error as Error).message}`, { cause: error });
	} finally {
		if (userlog !== null) closeSync(userlog.fd);
	}
}

/**
 * Takes up a script that an earlier daemon started. Null: it has ended. Its exit code is not known, because it is no
 * child of this process. `overdue`: its time was over already, so that what it left behind is a reason to go on killing.
 */
export function adoptScript(
	script: ProcessIdentity & { module: string; userlog: string | null; userlogSizeKb?: number; overdue?: boolean },
	context: ScriptContext,
): RunningScript | null {
	const { system } = context;
	const isThere = script.overdue
		? (): boolean => system.processesOf(script).length > 0
		: (): boolean => system.isAlive(script);
	if (!isThere()) return null;
	const exited = new Promise<null>((resolve) => {
		const timer = setInterval(() => {
			if (isThere()) return;
			clearInterval(timer);
			resolve(null);
		}, adoptedPollMs);
	});
	if (script.userlog !== null) {
		const file = join(context.paths.module(script.module).userVar, script.userlog);
		watchSize(file, (script.userlogSizeKb ?? defaultSizeKb) * 1024, { ...script, exited }, system);
	}
	return supervise(script, exited, script.userlog, null, context);
}

/** The log of this run; without room for it the script runs all the same. */
function newUserlog(
	request: ScriptRequest,
	folder: string,
	limitBytes: number,
	context: ScriptContext,
): Userlog | null {
	try {
		makeRoom(folder, limitBytes);
		return openUserlog(folder, request.script, new Date());
	} catch (error) {
		context.log("W", `Script ${request.script} runs without a user log: ${(error as Error).message}`);
		return null;
	}
}

/** Waits for the end, ends it when its time is over, and says how it went. */
function supervise(
	leader: ProcessIdentity,
	exited: Promise<number | null>,
	userlog: string | null,
	timeoutMs: number | null,
	context: ScriptContext,
): RunningScript {
	const killed = Promise.withResolvers<null>();
	let [over, killing, timedOut] = [false, false, false];
	const kill = (): void => {
		if (over || killing) return;
		killing = true;
		void killScript(context.system, leader).then((left) => {
			if (left.length > 0) context.log("E", unkillable(left));
			killed.resolve(null);
		});
	};
	const overdue = (): void => {
		timedOut = true;
		kill();
	};
	const timer = timeoutMs === null ? undefined : setTimeout(overdue, timeoutMs);
	const finish = async (): Promise<ScriptResult> => {
		const exitCode = await Promise.race([exited, killed.promise]);
		clearTimeout(timer);
		// Whoever kills a script waits for all of its processes: what comes next may need what they hold.
		if (killing) await killed.promise;
		over = true;
		return { ran: true, exitCode: timedOut ? null : exitCode, timedOut, userlog };
	};
	return { pid: leader.pid, startTime: leader.startTime, userlog, ended: finish(), kill };
}

function unkillable(left: ProcessIdentity[]): string {
	return `Processes of a script cannot be killed, they wait in the kernel: ${left.map((one) => one.pid).join(", ")}`;
}

/** Bounds a user log while its script runs, and after it while what the script started goes on printing. */
function watchSize(
	file: string,
	limitBytes: number,
	script: ProcessIdentity & { exited: Promise<unknown> },
	system: ScriptSystem,
): void {
	const quick = setInterval(() => trimUserlog(file, limitBytes), watchMs);
	void script.exited.then(() => {
		clearInterval(quick);
		trimUserlog(file, limitBytes);
		const slow = setInterval(() => {
			trimUserlog(file, limitBytes);
			if (system.processesOf(script).length === 0) clearInterval(slow);
		}, slowWatchMs);
		slow.unref();
	});
}
