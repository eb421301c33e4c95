/** Programs, caches and facts of the machine that is measured. */
import { execFileSync } from "node:child_process";
import { readFileSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, release, totalmem } from "node:os";
import { execa, type Options } from "execa";
import { readMounts } from "../../core/replication/fuse/mountTable.ts";

const programMs = 20 * 60_000;
/** Between the request to end and the end by force. */
const killMs = 3000;

/** Runs a program and returns what it printed. @throws when it fails, with its last words. */
export async function run(
	signal: AbortSignal,
	program: string,
	args: readonly string[],
	options: Pick<Options, "cwd" | "env" | "input"> = {},
): Promise<string> {
	const done = await execa(program, args, {
		...options,
		cancelSignal: signal,
		forceKillAfterDelay: killMs,
		timeout: programMs,
		maxBuffer: 64 << 20,
		reject: false,
		...(options.input === undefined ? { stdin: "ignore" } : {}),
	});
	signal.throwIfAborted();
	if (!done.failed) return String(done.stdout);
	const words = String(done.stderr || done.stdout || done.shortMessage)
		.trim()
		.split("\n")
		.slice(-5)
		.join("\n");
	throw new Error(`${program} ${args.slice(0, 3).join(" ")}…: ${words}`);
}

/** Everything of the file system that holds `folder` is on its disk when this returns. */
export async function syncDisk(signal: AbortSignal, folder: string): Promise<void> {
	await run(signal, "sync", ["-f", folder]);
}

/** Reads come from the disk again, for every subject alike. False where that is not allowed. */
export function dropCaches(): boolean {
	try {
		writeFileSync("/proc/sys/vm/drop_caches", "1");
		return true;
	} catch {
		return false;
	}
}

/** TCP ports that nobody listens on just now. */
export async function freePorts(count: number): Promise<number[]> {
	const servers = await Promise.all(
		Array.from({ length: count }, async () => {
			const server = createServer();
			await new Promise<void>((resolve, reject) => {
				server.on("error", reject);
				server.listen(0, "127.0.0.1", resolve);
			});
			return server;
		}),
	);
	const ports = servers.map((server) => (server.address() as { port: number }).port);
	await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
	return ports;
}

/** The highest and the present resident memory of a process, in MB. */
export function memoryOf(pid: number): { peakMb: number; nowMb: number } {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
	return { peakMb: kb("VmHWM") / 1024, nowMb: kb("VmRSS") / 1024 };
}

/** The highest memory of a process counts from now on. */
export function forgetPeak(pid: number): void {
	writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Free space of a disk, in bytes. */
export function freeBytes(folder: string): number {
	const { bavail, bsize } = statfsSync(folder);
	return bavail * bsize;
}

/** What someone who reads the numbers needs to know about where they come from. */
export function describeMachine(folder: string): string {
	const mount = readMounts()
		.filter(({ target }) => target === "/" || `${folder}/`.startsWith(`${target}/`))
		.sort((a, b) => b.target.length - a.target.length)[0];
	const model = cpus()[0]?.model ?? "unknown processor";
	const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
	return `${cpus().length} × ${model}, ${memory}, Linux ${release()}, ${mount?.type ?? "?"}, Node ${process.version}`;
}

/** The state of the source that was measured. */
export function commit(root: string): string {
	const git = (...args: string[]) =>
		execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
	try {
		return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "-uno") === "" ? "" : " with changes"}`;
	} catch {
		return "unknown";
	}
}
