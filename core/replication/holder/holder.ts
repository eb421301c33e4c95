/**
 * The holder of a module (design §8): a sleeping process that keeps the descriptors of all mounts, so that the death
 * of the replication process ends none of them. It is known by a word in its environment; nothing is written down that
 * could be out of date.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const program = "sleep";
const word = "OPENSAFE_HOLDER";
/** The first descriptor of the first mount; each has three: its page, the directory underneath, /dev/fuse. */
export const firstHeld = 3;
export const heldPerMount = 3;
const endMs = 2000;
const lookMs = 5;

/** Starts a holder of these descriptors. @param socket names the module on this server. */
export function startHolder(socket: string, descriptors: number[]): ChildProcess {
	const child = spawn(program, ["infinity"], {
		detached: true,
		cwd: "/",
		env: { PATH: process.env.PATH ?? "/usr/bin:/bin", [word]: socket },
		stdio: ["ignore", "ignore", "ignore", ...descriptors],
	});
	child.on("error", () => {});
	child.unref();
	if (child.pid !== undefined) spareFromMemoryShortage(child.pid);
	return child;
}

/** It frees next to nothing, and its death costs the next one its mounts. */
function spareFromMemoryShortage(pid: number): void {
	try {
		writeFileSync(`/proc/${pid}/oom_score_adj`, "-1000");
	} catch {
		// Without the right to do so it is like any other process.
	}
}

/** Pids of the living holders of a module. Not to be called from the data thread. */
export function findHolderProcesses(socket: string): number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name) && isHolder(name, socket))
		.map(Number);
}

/** Whether this process is a holder of the module: asked again once a pidfd is there, since numbers are used again. */
export function isHolder(pid: number | string, socket: string): boolean {
	const folder = `/proc/${pid}`;
	try {
		// The name first: it can be read of a process that hangs.
		if (readFileSync(`${folder}/comm`, "utf8").trim() !== program) return false;
		if (statSync(folder).uid !== process.geteuid?.()) return false;
		return readFileSync(`${folder}/environ`, "utf8").split("\0").includes(`${word}=${socket}`);
	} catch {
		return false;
	}
}

/**
 * Ends the holders of a module and waits until they are gone. Mounts that nobody else serves are then dead: whoever
 * waits in them gets an error, and they stay as a fence.
 */
export async function endHolders(socket: string, except: number | null = null): Promise<void> {
	const pids = findHolderProcesses(socket).filter((pid) => pid !== except);
	for (const pid of pids) {
		try {
			process.kill(pid, "SIGKILL");
		} catch {
			// It has ended by itself.
		}
	}
	for (let waited = 0; waited < endMs && pids.some((pid) => isHolder(pid, socket)); waited += lookMs)
		await sleep(lookMs);
}
