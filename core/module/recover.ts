/** Ends what a crash interrupted, for all modules of a server. */
import { join } from "node:path";
import { SafekitError } from "../errors.ts";
import { removeTemporaries } from "./files.ts";
import { withModuleLock } from "./lock.ts";
import type { Paths } from "./paths.ts";
import { Tree, treeNames } from "./trees.ts";

/**
 * For the start of the daemon, before it runs any script. While a module command is at work nothing is interrupted, and
 * that command recovers first.
 */
export async function recoverModules(paths: Paths): Promise<void> {
	try {
		await withModuleLock(paths, () => recover(paths), 0);
	} catch (error) {
		if (!(error instanceof SafekitError && error.code === "MODULE_LOCKED")) throw error;
	}
}

/** Call it under the module lock: it takes a change in progress for an interrupted one. */
export async function recover(paths: Paths): Promise<void> {
	for (const parent of [join(paths.safe, "modules"), join(paths.safe, "private/modules")]) {
		for (const name of await treeNames(parent)) await new Tree(parent, name).recover();
	}
	for (const folder of ["private/conf", "modules/lastconfig", "Application_Modules/backup"]) {
		await removeTemporaries(join(paths.safe, folder));
	}
}
