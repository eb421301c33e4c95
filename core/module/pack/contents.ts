/** A module wherever it is (package, folder, installed), as two versions are compared. */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SafekitError } from "../../errors.ts";
import { filesOfFolder, filesOfPackage, type ModuleFile } from "../advice/files.ts";
import type { Paths } from "../paths.ts";
import { isAuthorsOwn } from "./pack.ts";

/** `what`: a path, or the name of an installed module. */
export async function contentsOf(
	what: string,
	cwd: string,
	paths: Paths,
): Promise<{ path: string; files: ModuleFile[] }> {
	const installed = /^[\w-]+$/.test(what) ? [paths.module(what).source] : [];
	for (const path of [resolve(cwd, what), ...installed]) {
		const info = await stat(path).catch(() => null);
		if (info === null) continue;
		return { path, files: info.isDirectory() ? await filesOfFolder(path, isAuthorsOwn) : await filesOfPackage(path) };
	}
	throw new SafekitError("PACKAGE_NOT_FOUND", `there is no package, folder or installed module '${what}'`, {
		remedy: `Give the path of a package or folder, or the name of a module below ${join(paths.safe, "modules")}.`,
	});
}
