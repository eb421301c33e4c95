/** A server's folders below a temporary one, and the schema of the product's modes. */
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { type Paths, pathsFrom } from "../../core/module/paths.ts";
import { createSchema } from "../../core/schema/schema.ts";
import { farmElements } from "../../plugins/farm/elements.ts";
import { mirrorElements } from "../../plugins/mirror/elements.ts";
import { makeTestFolder } from "../folder.ts";
import { type RawEntry, rawZip } from "./zips.ts";

export const schema = createSchema([
	{ mode: "mirror", elements: mirrorElements },
	{ mode: "farm", elements: farmElements },
	{ mode: "light", elements: [] },
]);

export interface Place {
	top: string;
	paths: Paths;
	/** Writes a package and returns its path. */
	pack(name: string, entries: RawEntry[]): Promise<string>;
	/** Everything below the folder, by relative name. */
	tree(): Promise<string[]>;
}

export async function place(t: ExecutionContext): Promise<Place> {
	const top = makeTestFolder("module");
	t.teardown(() => rm(top, { recursive: true, force: true }));
	return {
		top,
		paths: pathsFrom({ SAFE: join(top, "safe"), SAFEVAR: join(top, "var") }),
		pack: async (name, entries) => {
			const file = join(top, name);
			await writeFile(file, rawZip(entries));
			return file;
		},
		tree: async () => (await readdir(top, { recursive: true })).sort(),
	};
}
