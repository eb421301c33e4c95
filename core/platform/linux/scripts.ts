/** Scripts on Linux: executable files without extension, each the leader of a session of its own. */
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FoundScript, ProcessIdentity, ScriptSystem, StartedScript, StartOptions } from "../../scripts/system.ts";
import { startTimeOf, statOf } from "./server.ts";

/** What a service that a script starts still prints right after the script has ended, is waited for this long. */
const drainMs = 200;

export const linuxScripts: ScriptSystem = {
	searchPath: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",

	find(folder: string, script: string): FoundScript | null {
		const path = join(folder, script);
		if (!/^\w+$/.test(script) || !statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
		return { path, executable: isExecutable(path) };
	},

	async start(file: string, options: StartOptions): Promise<StartedScript> {
		checkInterpreter(file);
		const { output, args, cwd, env } = options;
		const toPerson = typeof output === "function";
		const to = toPerson ? "pipe" : (output ?? "ignore");
		// One pipe for both streams keeps the order of the lines; the shell becomes the script, it is not above it.
		const program = toPerson ? "/bin/sh" : file;
		const before = toPerson ? ["-c", 'exec "$0" "$@" 2>&1', file] : [];
		const child = spawn(program, [...before, ...args], { cwd, env, detached: true, stdio: ["ignore", to, to] });
		const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
		if (child.pid === undefined) throw await new Promise<Error>((resolve) => child.once("error", resolve));
		child.on("error", () => {});
		// Not reaped before the event loop turns: even a script that has ended already has its start time.
		const identity = { pid: child.pid, startTime: statOf(child.pid)?.[19] ?? "0" };
		if (!toPerson) return { ...identity, exited };
		child.stdout?.on("data", output);
		child.stderr?.on("data", output);
		const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
		return { ...identity, exited: drained(exited, closed, child) };
	},

	isAlive: ({ pid, startTime }) => startTimeOf(pid) === startTime,

	processesOf(leader: ProcessIdentity): ProcessIdentity[] {
		const all = allProcesses();
		const namesake = all.find((one) => one.pid === leader.pid);
		// The number of a session is not given away while the session lives: another process with it means it is gone.
		if (namesake !== undefined && namesake.startTime !== leader.startTime) return [];
		const found = new Set<number>();
		let before = -1;
		while (found.size !== before) {
			before = found.size;
			for (const one of all) {
				const belongs = one.session === leader.pid || one.group === leader.pid || one.pid === leader.pid;
				if (belongs || found.has(one.parent)) found.add(one.pid);
			}
		}
		return all.filter((one) => found.has(one.pid) && one.state !== "Z" && one.state !== "X");
	},

	signal({ pid, startTime }, signal): void {
		if (startTimeOf(pid) !== startTime) return;
		try {
			process.kill(pid, signal);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
		}
	},
};

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

/** For the system a missing interpreter is a missing file: say which of the two it is. */
function checkInterpreter(file: string): void {
	const interpreter = /^#![ \t]*([^ \t\n\r]+\r?)/.exec(firstBytes(file))?.[1];
	if (interpreter === undefined || isExecutable(interpreter)) return;
	const reason = interpreter.endsWith("\r")
		? "the line ends are those of Windows"
		: "it is not installed or not executable";
	throw new Error(`its interpreter ${interpreter.trim()} cannot run it: ${reason}`);
}

function firstBytes(file: string): string {
	const fd = openSync(file, "r");
	try {
		const bytes = Buffer.alloc(256);
		return bytes.toString("latin1", 0, readSync(fd, bytes, 0, bytes.length, 0));
	} finally {
		closeSync(fd);
	}
}

/** The end of a script whose output is read: after its last line, unless something else keeps the pipe open. */
async function drained(
	exited: Promise<number | null>,
	closed: Promise<void>,
	child: ReturnType<typeof spawn>,
): Promise<number | null> {
	const code = await exited;
	await Promise.race([closed, sleep(drainMs)]);
	child.stdout?.destroy();
	child.stderr?.destroy();
	return code;
}

interface ProcessFacts extends ProcessIdentity {
	state: string;
	parent: number;
	group: number;
	session: number;
}

function allProcesses(): ProcessFacts[] {
	return readdirSync("/proc").flatMap((name) => {
		if (!/^\d+$/.test(name)) return [];
		const fields = statOf(Number(name));
		if (fields === null) return [];
		const [state = "", parent, group, session] = fields;
		const startTime = fields[19] ?? "";
		return [
			{ pid: Number(name), startTime, state, parent: Number(parent), group: Number(group), session: Number(session) },
		];
	});
}
