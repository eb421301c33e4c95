/** Packs the templates of modules: one folder each (design §1). */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { writePackage } from "../package/write.ts";
import { isAuthorsOwn } from "./pack.ts";

/** Writes `NAME.safe` for every folder of `templates` into `target`; returns the files, by name. */
export async function packTemplates(templates: string, target: string): Promise<string[]> {
	const entries = await readdir(templates, { withFileTypes: true });
	const names = entries
		.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
		.map((entry) => entry.name);
	const files: string[] = [];
	for (const name of names.sort()) {
		const file = join(target, `${name}.safe`);
		await writePackage(join(templates, name), file, isAuthorsOwn);
		files.push(file);
	}
	return files;
}
