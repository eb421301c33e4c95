/**
 * One replication process a module: two of them would serve the same mounts and write the same records. A daemon that
 * dies just after it has started one cannot tell the next daemon, and that one finds nobody who listens yet.
 */
import { openSync, readFileSync, statSync } from "node:fs";
import type { FileCalls } from "../system.ts";

/** The exit code of a process that finds another one in its place. */
export const placeTaken = 75;

const lockOf = (socket: string): string => `${socket}.lock`;

/** Takes the place for as long as this process lives, however it ends. False: another process has it. */
export function takePlace(system: Pick<FileCalls, "lock">, socket: string): boolean {
	// Never closed, and not inherited by anybody.
	return system.lock(openSync(lockOf(socket), "a", 0o600)) === 0;
}

/** Whether a process has the place now, also one that does not listen yet. */
export function isPlaceTaken(socket: string): boolean {
	const file = statSync(lockOf(socket), { throwIfNoEntry: false });
	if (file === undefined) return false;
	const locks = readFileSync("/proc/locks", "latin1").split("\n");
	return locks.some((line) => / FLOCK /.test(line) && line.includes(`:${file.ino} `));
}
