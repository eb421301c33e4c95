/** The files of a module, of a package or of a folder, as advice looks at them. */
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readPackage } from "../package/read.ts";
import { type LeftOut, listFolder } from "../package/write.ts";

export interface ModuleFile {
	/** Relative, with `/`. */
	name: string;
	/** null: in a package, whose installation makes all of bin/ executable. */
	executable: boolean | null;
	content(): Promise<Uint8Array>;
}

export async function filesOfFolder(folder: string, leftOut?: LeftOut): Promise<ModuleFile[]> {
	const { files } = await listFolder(folder, leftOut);
	return Promise.all(
		files.map(async ({ name }) => ({
			name,
			executable: ((await lstat(join(folder, name))).mode & 0o111) !== 0,
			content: () => readFile(join(folder, name)),
		})),
	);
}

export async function filesOfPackage(path: string): Promise<ModuleFile[]> {
	const { files } = await readPackage(path);
	return files.map((file) => ({ name: file.name, executable: null, content: async () => file.content() }));
}

/** Written for Windows: its scripts have the endings of that system, and none is as Linux has them. */
export function isForWindows(files: readonly ModuleFile[]): boolean {
	const names = files.filter(({ name }) => name.startsWith("bin/")).map(({ name }) => name);
	return names.some((name) => /\.(ps1|cmd|bat|vbs|exe)$/i.test(name)) && !names.some((name) => isScript(name));
}

/** A file that the product runs by itself, as Linux has it: without ending (spec/03 §1). */
export function isScript(name: string): boolean {
	return /^bin\/(prestart|poststop|(start|stop)_(prim|second|sec|both)|transition|update|config|postconfig|deconfig|confcheck|state|level|_rfs_callback)$/.test(
		name,
	);
}
