/** Ends what a crash interrupted, for all modules of a server. */
import { join } from "node:path";
import { removeTemporaries } from "./files.ts";
import type { Paths } from "./paths.ts";
import { Tree, treeNames } from "./trees.ts";

/** Call it under the module lock: it takes a change in progress for an interrupted one. */
export async function recover(paths: Paths): Promise<void> {
	for (const parent of [join(paths.safe, "modules"), join(paths.safe, "private/modules")]) {
		for (const name of await treeNames(parent)) await new Tree(parent, name).recover();
	}
	for (const folder of ["private/conf", "modules/lastconfig", "Application_Modules/backup"]) {
		await removeTemporaries(join(paths.safe, folder));
	}
}
