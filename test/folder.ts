/**
 * Folders of tests. Each is named after the process that made it, so that the next test run knows which ones nobody
 * owns any more, also after a `kill -9`, and removes them with what is mounted in them and what still runs there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findHolders } from "../core/replication/fuse/holders.ts";
import { readMounts } from "../core/replication/fuse/mountTable.ts";
import { startTimeOf } from "../sdk/lab/state.ts";

const prefix = "opensafe-test-";
/** On a real disk, where file handles and trusted attributes are kept. */
export const diskFolder = "/var/tmp";

let made = 0;

/** Makes an empty folder; whoever makes it removes it when done. */
export function makeTestFolder(name: string, parent = tmpdir()): string {
	if (made === 0) for (const each of new Set([tmpdir(), diskFolder])) removeAbandonedFolders(each);
	const folder = join(parent, ownName(name));
	mkdirSync(folder, { mode: 0o700 });
	return folder;
}

function ownName(name: string): string {
	return `${prefix}${process.pid}-${startTimeOf(process.pid)}-${++made}-${name}`;
}

/** Removes what tests that were killed left in `parent`. */
export function removeAbandonedFolders(parent: string): void {
	if (!existsSync(parent)) return;
	for (const name of readdirSync(parent)) {
		const [pid, startTime] = name.slice(prefix.length).split("-");
		if (!name.startsWith(prefix) || startTimeOf(Number(pid)) === startTime) continue;
		const folder = join(parent, ownName("abandoned"));
		if (renamed(join(parent, name), folder)) removeWithAllInIt(folder);
	}
}

/** Of several that find it, one gets it: who removes it has it open, and would be killed by the next. */
function renamed(from: string, to: string): boolean {
	try {
		renameSync(from, to);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw error;
	}
}

/** Processes that have something open in it, then mounts, the inner ones first, then files. */
function removeWithAllInIt(folder: string): void {
	for (const { pid } of findHolders(folder, Number.POSITIVE_INFINITY)) {
		try {
			process.kill(pid, "SIGKILL");
		} catch {
			// It ended by itself.
		}
	}
	for (const { target } of readMounts().reverse()) {
		// Another test run may take it away at the same time.
		if (target.startsWith(`${folder}/`)) spawnSync("umount", ["-l", target], { stdio: "ignore" });
	}
	rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
