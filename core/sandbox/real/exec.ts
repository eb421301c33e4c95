/** Programs that a checker may run: no shell, a bare environment, bounded output, and nothing of them stays. */
import { type ChildProcess, spawn } from "node:child_process";
import { lstatSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { ExecAnswer, ExecOptions } from "../outside.ts";
import { Few } from "./few.ts";

const atOnce = new Few(8);
/** Ends program and descendants when nobody else does, because the daemon is gone. */
const watchdog = "/usr/bin/timeout";
const graceS = 2;
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/" };

/** `bin`: where the programs of the package are. @throws Error when it cannot be started or takes too long. */
export async function exec(
	bin: string,
	program: string,
	args: readonly string[],
	options: ExecOptions,
): Promise<ExecAnswer> {
	const path = isAbsolute(program) ? program : inPackage(bin, program);
	const endMs = performance.now() + options.timeoutMs;
	return await atOnce.run(options.timeoutMs + 500, () =>
		run(path, args, { ...options, timeoutMs: Math.max(1, endMs - performance.now()) }),
	);
}

function inPackage(bin: string, program: string): string {
	const path = join(bin, program);
	if (!lstatSync(path, { throwIfNoEntry: false })?.isFile())
		throw new Error(`bin/${program} is no file of the package`);
	return path;
}

function run(path: string, args: readonly string[], { timeoutMs, maxBytes }: ExecOptions): Promise<ExecAnswer> {
	return new Promise((resolve, reject) => {
		const seconds = String(Math.ceil(timeoutMs / 1000) + graceS);
		const child = spawn(watchdog, ["--signal=KILL", seconds, path, ...args], {
			...{ env, cwd: "/", detached: true, stdio: ["ignore", "pipe", "pipe"] },
		});
		const late = setTimeout(() => {
			killGroup(child);
			reject(new Error(`${path} did not end within ${Math.round(timeoutMs)} ms and was killed`));
		}, timeoutMs);
		const outputs = [child.stdout, child.stderr].map((stream) => collect(stream, maxBytes));
		child.once("error", (error) => {
			clearTimeout(late);
			reject(error);
		});
		// What it leaves behind would hold its outputs open, and outlive the run.
		child.once("exit", () => killGroup(child));
		child.once("close", (code, signal) => {
			clearTimeout(late);
			const [stdout = "", stderr = ""] = outputs.map((output) => output());
			if (code === 126 || code === 127) reject(new Error(`${path} cannot be started: ${stderr.trim().slice(0, 200)}`));
			else resolve({ code: signal === null ? code : null, stdout, stderr });
		});
	});
}

/** The first bytes are kept; the rest is read, so that the program does not wait, and thrown away. */
function collect(stream: ChildProcess["stdout"], maxBytes: number): () => string {
	const parts: Buffer[] = [];
	let size = 0;
	stream?.on("data", (part: Buffer) => {
		if (size >= maxBytes) return;
		parts.push(part.subarray(0, maxBytes - size));
		size += part.length;
	});
	return () => Buffer.concat(parts).toString("utf8");
}

function killGroup({ pid }: ChildProcess): void {
	if (pid === undefined) return;
	try {
		process.kill(-pid, "SIGKILL");
	} catch {}
}
