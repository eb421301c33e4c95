/**
 * A box: a process tree in namespaces of its own (network, mounts, processes, host name, IPC). The namespaces have no
 * name, so when the init of a box dies, all of it is gone: processes, links, addresses, mounts. And when the owner of
 * the box dies, even by `kill -9`, the init dies with it. The owner must call this from its main thread, because the
 * death signal follows the thread.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { SafekitError } from "../../core/errors.ts";
import { inNamespaces } from "./namespaces.ts";

export interface CommandOptions {
	/** Milliseconds; default 60 000. What has not ended then is killed. */
	timeoutMs?: number;
	env?: Record<string, string>;
	input?: string;
}

export interface CommandResult {
	/** null: killed by a signal, or out of time. */
	code: number | null;
	stdout: string;
	stderr: string;
	timedOut: boolean;
}

// bash reads ~/.bashrc when its standard input is a socket, as Node's pipes are: hence --norc wherever it is started.

/** What a program in a box finds in its environment, and nothing else. */
const cleanEnvironment = {
	PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	HOME: "/root",
	LANG: "C.UTF-8",
	TERM: "dumb",
};
const defaultTimeoutMs = 60_000;
/** How long output is read after the command ended, while something in the background still holds its end. */
const lastWordsMs = 200;
const maxOutputBytes = 64 * 1024 * 1024;
const maxReportBytes = 64 * 1024;
/** What a killed box has to disappear by itself. */
const burialMs = 1000;

export class Box {
	readonly name: string;
	/** Pid of the box's init, as this process sees it. */
	readonly pid: number;
	readonly #spawned: ChildProcess;
	readonly #gone: Promise<unknown>;

	private constructor(name: string, pid: number, spawned: ChildProcess) {
		this.name = name;
		this.pid = pid;
		this.#spawned = spawned;
		this.#gone = spawned.exitCode === null && spawned.signalCode === null ? once(spawned, "exit") : Promise.resolve();
	}

	/**
	 * Starts a box whose init is `bash -c script`. The script must print the line `ready` when it has set up the box,
	 * and should end when its standard input closes. Throws LAB_FAILED with what the script said if it ends before.
	 */
	static async start(name: string, script: string, env: Record<string, string>): Promise<Box> {
		// Read before /proc is the box's own: here the init learns the pid that its owner sees.
		const head = 'read -r self rest < /proc/self/stat; echo "pid $self"\n';
		const [program, args] = inNamespaces("server", head + script);
		const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...cleanEnvironment, ...env } });
		child.stdin.on("error", () => {});
		const pid = await waitUntilReady(name, child);
		return new Box(name, pid, child);
	}

	get isRunning(): boolean {
		return this.#spawned.exitCode === null && this.#spawned.signalCode === null;
	}

	/** Runs a shell command inside the box and says how it ended; does not throw when the command fails. */
	async attempt(command: string, options: CommandOptions = {}): Promise<CommandResult> {
		this.#mustRun(command);
		const inside = ["setpriv", "--pdeathsig", "KILL", "bash", "--norc", "-c", command];
		return this.#execute(["-m", "-u", "-i", "-n", "-p", "-r", "-w", ...inside], options);
	}

	/** Runs a program of the machine, with the machine's files, in the network of the box. Throws when it fails. */
	async network(program: string, args: string[], input?: string): Promise<string> {
		this.#mustRun(program);
		const result = await this.#execute(["-n", program, ...args], input === undefined ? {} : { input });
		if (result.code !== 0) throw failure(this.name, [program, ...args].join(" "), result);
		return result.stdout;
	}

	/** Starts a program that stays, inside the box; it dies with the box. Its output goes to the descriptor `output`. */
	spawn(command: string, args: string[], env: Record<string, string>, output: number): ChildProcess {
		this.#mustRun(command);
		const enter = ["-t", String(this.pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w"];
		return spawn("nsenter", [...enter, "bash", "--norc", "-c", command, "supervisor", ...args], {
			stdio: ["ignore", output, output],
			env: { ...cleanEnvironment, ...env },
		});
	}

	/** Kills the init, and with it everything in the box. Returns when all of it is gone. */
	async kill(): Promise<void> {
		if (this.isRunning) {
			try {
				process.kill(this.pid, "SIGKILL");
			} catch {
				// It ended by itself in this moment.
			}
		}
		// A machine whose process 1 buries no orphans keeps the dead init waiting for them, and unshare for it.
		const timer = setTimeout(() => this.#spawned.kill("SIGKILL"), burialMs);
		await this.#gone;
		clearTimeout(timer);
	}

	#mustRun(what: string): void {
		if (!this.isRunning) throw new SafekitError("LAB_FAILED", `${this.name} is off, cannot run: ${what}`);
	}

	/** Enters the box and runs a program there. Does not wait for what it left running in the background. */
	async #execute(args: string[], options: CommandOptions): Promise<CommandResult> {
		const child = spawn("nsenter", ["-t", String(this.pid), ...args], { env: { ...cleanEnvironment, ...options.env } });
		const stdout = collect(child.stdout);
		const stderr = collect(child.stderr);
		const closed = once(child, "close");
		child.stdin.on("error", () => {}).end(options.input ?? "");
		let timedOut = false;
		const timer = setTimeout(() => {
			timedOut = true;
			killInside(child);
		}, options.timeoutMs ?? defaultTimeoutMs);
		const [code] = (await once(child, "exit")) as [number | null];
		clearTimeout(timer);
		await Promise.race([closed, sleep(lastWordsMs)]);
		child.stdout.destroy();
		child.stderr.destroy();
		return { code, stdout: stdout(), stderr: stderr(), timedOut };
	}
}

/** Kills what nsenter runs, so that nsenter buries it; killed itself, it would leave that to this machine's init. */
function killInside(nsenter: ChildProcess): void {
	try {
		const children = readFileSync(`/proc/${nsenter.pid}/task/${nsenter.pid}/children`, "utf8").trim();
		// No number, no pid: process.kill throws.
		for (const pid of children.split(" ")) process.kill(Number(pid) || Number.NaN, "SIGKILL");
	} catch {
		nsenter.kill("SIGKILL");
	}
}

/** Gathers what a stream says, up to a limit; returns what reads it. */
function collect(stream: Readable): () => string {
	const parts: Buffer[] = [];
	let bytes = 0;
	stream.on("data", (part: Buffer) => {
		bytes += part.length;
		if (bytes <= maxOutputBytes) parts.push(part);
	});
	return () => Buffer.concat(parts).toString("utf8");
}

/** A command that failed, with what it printed. */
export function failure(where: string, command: string, result: CommandResult): SafekitError {
	const how = result.timedOut ? "did not end in time" : `ended with ${result.code ?? "a signal"}`;
	const said = `${result.stdout}${result.stderr}`.trim().slice(-maxReportBytes);
	return new SafekitError("LAB_FAILED", `${where}: \`${command}\` ${how}${said === "" ? "" : `:\n${said}`}`);
}

/** Reads what the init prints until it is ready. Returns its pid. */
async function waitUntilReady(name: string, child: ChildProcess): Promise<number> {
	let said = "";
	const remember = (text: string): void => {
		said = (said + text).slice(-maxReportBytes);
	};
	child.stderr?.setEncoding("utf8").on("data", remember);
	let pid = 0;
	const ready = new Promise<boolean>((resolve) => {
		child.once("error", (error) => {
			remember(error.message);
			resolve(false);
		});
		child.once("close", () => resolve(false));
		createInterface({ input: child.stdout! }).on("line", (line) => {
			if (line.startsWith("pid ")) pid = Number(line.slice(4));
			else if (line === "ready") resolve(true);
			else remember(`${line}\n`);
		});
	});
	if (!(await ready) || pid === 0) throw new SafekitError("LAB_FAILED", `${name} does not start: ${said.trim()}`);
	return pid;
}
