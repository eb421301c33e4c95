/** The last configurations of a module that were applied: kept with their scripts, and brought back (spec/05 §2). */
import { join } from "node:path";
import { SafekitError } from "../errors.ts";
import { installModule } from "./install.ts";
import { writePackage } from "./package/write.ts";
import type { Paths } from "./paths.ts";
import { idOf } from "./registry.ts";
import { dateOfArchive, keepNewest, newArchive, stampedArchives } from "./stamps.ts";

const keptConfigurations = 3;

export interface KeptConfiguration {
	/** 1: the last that was applied. */
	number: number;
	/** `YYYY-MM-DD hh:mm:ss`, when it was applied. */
	date: string;
	file: string;
}

const folderOf = (paths: Paths): string => join(paths.safe, "modules/lastconfig");

/** Keeps what is being applied, and no more than the last three. */
export async function keepConfiguration(paths: Paths, name: string): Promise<void> {
	await writePackage(paths.module(name).source, await newArchive(folderOf(paths), name));
	await keepNewest(folderOf(paths), name, keptConfigurations);
}

/** The newest first. @throws SafekitError MODULE_UNKNOWN. */
export async function keptConfigurationsOf(paths: Paths, name: string): Promise<KeptConfiguration[]> {
	await idOf(paths, name);
	const names = (await stampedArchives(folderOf(paths), name)).reverse();
	return names.map((each, at) => ({ number: at + 1, date: dateOfArchive(each), file: join(folderOf(paths), each) }));
}

/** @throws SafekitError CONFIG_HISTORY. */
export async function keptConfiguration(paths: Paths, name: string, number: number): Promise<KeptConfiguration> {
	const kept = await keptConfigurationsOf(paths, name);
	const found = kept[number - 1];
	if (found !== undefined) return found;
	throw new SafekitError("CONFIG_HISTORY", `Module '${name}' has no kept configuration ${number} of ${kept.length}.`);
}

/** Puts its files into `$SAFE/modules/NAME`; `archived` is what was there. `undo` brings that back. */
export async function restoreFiles(
	paths: Paths,
	name: string,
	{ file }: KeptConfiguration,
): Promise<{ archived: string | null; undo(): Promise<void> }> {
	const { archived } = await installModule(paths, { name, file, replace: true, ours: true });
	return {
		archived,
		async undo() {
			if (archived !== null) await installModule(paths, { name, file: archived, replace: true, ours: true });
		},
	};
}
