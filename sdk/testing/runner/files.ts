/** Which tests are meant: all of a module's folder, or one file of it. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { SafekitError } from "../../../core/errors.ts";

export interface Found {
	/** Folder of the module, absolute. */
	folder: string;
	/** Test files, absolute, sorted. */
	files: string[];
}

const remedy = "Name the folder of a module: the one with conf/userconfig.xml and tests/.";
const fileLimit = 1000;

/** @throws SafekitError PACKAGE_NOT_FOUND, MODULE_NO_TESTS. */
export async function findTests(path: string): Promise<Found> {
	const info = await stat(path).catch(() => null);
	if (info === null) throw new SafekitError("PACKAGE_NOT_FOUND", `${path} does not exist`, { remedy });
	if (info.isDirectory()) return { folder: path, files: await testsIn(path) };
	if (path.endsWith(".test.ts")) return { folder: await moduleOf(path), files: [path] };
	if (path.endsWith(".safe"))
		throw new SafekitError("MODULE_NO_TESTS", `${path} is a package, and tests are not packed`);
	throw new SafekitError("MODULE_NO_TESTS", `${path} is neither a module's folder nor a file *.test.ts`);
}

async function testsIn(folder: string): Promise<string[]> {
	const tests = join(folder, "tests");
	const entries = await readdir(tests, { recursive: true, withFileTypes: true }).catch(() => []);
	const files = entries
		.filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
		.map((entry) => join(entry.parentPath, entry.name))
		.filter((file) => !relative(tests, file).includes("node_modules"))
		.sort();
	if (files.length === 0) throw new SafekitError("MODULE_NO_TESTS", `${tests} holds no file *.test.ts`);
	return files.slice(0, fileLimit);
}

/** The folder above that has the module's configuration. */
async function moduleOf(file: string): Promise<string> {
	for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
		if ((await stat(join(folder, "conf/userconfig.xml")).catch(() => null)) !== null) return folder;
	}
	throw new SafekitError("MODULE_NO_TESTS", `${basename(file)} does not stand in the folder of a module`);
}
