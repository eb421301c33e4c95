/**
 * Whether the servers of a module encrypt what they replicate (spec/04 §5 `module genkey|delkey`). The keys derive from
 * the cluster key in any case and both servers prove them; the switch is a file of the module, so it travels with its
 * package, and takes effect at the next config like everything else there.
 */
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SafekitError } from "../errors.ts";
import { replaceFile, syncFolder } from "./files.ts";
import { withModuleLock } from "./lock.ts";
import type { Paths } from "./paths.ts";
import { idOf } from "./registry.ts";
import { exists } from "./trees.ts";

const fileName = "conf/encryption";

/** Of a module's folder: on unless it was switched off. */
export async function isEncrypted(folder: string): Promise<boolean> {
	const text = await readFile(join(folder, fileName), "utf8").catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return "on";
		throw error;
	});
	return text.trim() !== "off";
}

/** Switches it; a `config` of the module, on both servers, puts it into force. @throws SafekitError MODULE_UNKNOWN. */
export async function setEncryption(paths: Paths, name: string, on: boolean): Promise<void> {
	await withModuleLock(paths, async () => {
		await idOf(paths, name);
		const { source } = paths.module(name);
		if (!(await exists(source))) throw new SafekitError("MODULE_UNKNOWN", `${source} does not exist`);
		const file = join(source, fileName);
		if (!on) return await replaceFile(file, "off\n");
		await rm(file, { force: true });
		await syncFolder(dirname(file));
	});
}
