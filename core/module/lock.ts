/**
 * One module command at a time on a server. The lock is SQLite's on an empty file: the system drops it with the process that
 * holds it, however that ends, so there is never a stale one to judge.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { SafekitError } from "../errors.ts";
import { makeFolder } from "./files.ts";
import type { Paths } from "./paths.ts";

const sqliteBusy = 5;
/** As long as a reasonable postconfig takes. */
const defaultWaitMs = 60_000;

/** Runs `work` alone. Throws MODULE_LOCKED when another command does not end within `waitMs`. */
export async function withModuleLock<T>(paths: Paths, work: () => Promise<T>, waitMs = defaultWaitMs): Promise<T> {
	await makeFolder(paths.run);
	const database = new DatabaseSync(join(paths.run, "modules.lock"), { timeout: 0 });
	try {
		for (let waitedMs = 0; !tryLock(database); waitedMs += 100) {
			if (waitedMs >= waitMs)
				throw new SafekitError("MODULE_LOCKED", "another command is changing the modules of this server");
			await sleep(100);
		}
		return await work();
	} finally {
		database.close();
	}
}

function tryLock(database: DatabaseSync): boolean {
	try {
		database.exec("BEGIN EXCLUSIVE");
		return true;
	} catch (error) {
		if ((error as { errcode?: number }).errcode === sqliteBusy) return false;
		throw error;
	}
}
