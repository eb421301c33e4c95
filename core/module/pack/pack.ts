/** `module pack`: a module's folder as a package, the same folder always as the same bytes. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { SafekitError } from "../../errors.ts";
import { refuseErrors } from "../inspect.ts";
import { manifestName, readManifest } from "../package/manifest.ts";
import { writePackage } from "../package/write.ts";
import { checkModuleName } from "../registry.ts";

export interface Packed {
	file: string;
	name: string;
	/** Null: the folder has no module.json. */
	version: string | null;
	bytes: number;
	sha256: string;
}

/**
 * What an author keeps beside a module and nobody installs: tests, what begins with a dot, what the editor needs, and
 * packages that were made before (one inside the other would never be the same bytes twice).
 */
export function isAuthorsOwn(name: string): boolean {
	if (name.split("/").some((part) => part.startsWith(".") || part === "node_modules")) return true;
	return name === "tests/" || name === "tsconfig.json" || name === "jsconfig.json" || /^[^/]+\.safe$/.test(name);
}

/**
 * Packs a folder into `target`; by default `NAME.safe` in the working folder `cwd`, with the name of its module.json or
 * else its own. Whether its content is right is for `checkPackage` to say.
 */
export async function packModule(folder: string, target: string | undefined, cwd: string): Promise<Packed> {
	const { name, version } = await identityOf(folder);
	const file = target ?? resolve(cwd, `${name}.safe`);
	const above = await stat(dirname(file)).catch(() => null);
	if (above?.isDirectory() !== true) {
		throw new SafekitError("USAGE", `${dirname(file)} is not a folder`, { remedy: "Create the folder first." });
	}
	const bytes = await writePackage(folder, file, isAuthorsOwn);
	return { file, name, version, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

async function identityOf(folder: string): Promise<{ name: string; version: string | null }> {
	const info = await stat(folder).catch(() => null);
	if (info?.isDirectory() !== true) {
		throw new SafekitError("USAGE", `${folder} is not a folder`, { remedy: "Give the folder of a module." });
	}
	const file = join(folder, manifestName);
	const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return null;
		throw error;
	});
	if (bytes === null) return { name: checkModuleName(basename(resolve(folder))), version: null };
	const read = readManifest(bytes, file);
	if ("manifest" in read) return read.manifest;
	refuseErrors(read.problems);
	throw new SafekitError("PACKAGE_MANIFEST", `${file} cannot be used`);
}
