/** What is in force: the configuration that the last successful `config` left (spec/05 §2). */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { SafekitError } from "../errors.ts";
import type { ModuleConfiguration } from "./configuration.ts";
import { listFolder } from "./package/write.ts";
import type { Paths } from "./paths.ts";
import { readIds } from "./registry.ts";
import { exists, Tree } from "./trees.ts";

/** Grows when older configurations can no longer be read. */
const format = 1;

interface Stored {
	format: number;
	signature: string;
	unixDate: number;
	configuration: ModuleConfiguration;
}

export function activeTree(paths: Paths, name: string): Tree {
	return new Tree(join(paths.safe, "private/modules"), name);
}

export function storedText(configuration: ModuleConfiguration, signature: string, unixDate: number): string {
	return `${JSON.stringify({ format, signature, unixDate, configuration } satisfies Stored, null, "\t")}\n`;
}

/** The configuration in force; null if the module is not configured. During a `config` it is still the previous one. */
export async function readConfiguration(paths: Paths, name: string): Promise<ModuleConfiguration | null> {
	return (await readStored(paths, name))?.configuration ?? null;
}

async function readStored(paths: Paths, name: string): Promise<Stored | null> {
	// A tree may be replaced between finding it and reading it: then look again.
	for (let attempt = 0; ; attempt++) {
		const folder = await activeTree(paths, name).inForce();
		if (folder === null) return null;
		try {
			return parseStored(await readFile(join(folder, "conf/configuration.json"), "utf8"), name);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
			if (attempt >= 5) throw damaged(name, error);
		}
	}
}

function parseStored(text: string, name: string): Stored {
	let stored: Partial<Stored>;
	try {
		stored = JSON.parse(text) as Partial<Stored>;
	} catch (error) {
		throw damaged(name, error);
	}
	if (stored.format !== format || stored.configuration?.module !== name) throw damaged(name);
	// What a version before this one applied has none of these.
	const configuration = { ...stored.configuration, ...missing(stored.configuration) };
	return { ...(stored as Stored), configuration };
}

function missing({ checkers = [], errd = null }: Partial<ModuleConfiguration>): Partial<ModuleConfiguration> {
	return { checkers, errd };
}

function damaged(name: string, cause?: unknown): SafekitError {
	const remedy = `Apply the configuration again with \`safekit config -m ${name}\`.`;
	return new SafekitError("CONFIG_DAMAGED", `the configuration in force of ${name} cannot be read`, { remedy, cause });
}

/** Configurations in force of all installed modules, but for `except`. */
export async function readConfigurations(paths: Paths, except?: string): Promise<ModuleConfiguration[]> {
	const names = [...(await readIds(paths)).keys()].filter((name) => name !== except);
	const all = await Promise.all(names.map((name) => readConfiguration(paths, name)));
	return all.filter((configuration) => configuration !== null);
}

export interface ConfigurationDate {
	/** 32 hexadecimal digits over names, modes and contents of the module's files. */
	signature: string;
	/** Seconds since 1970. */
	unixDate: number;
}

/** `confinfo`: the configuration in force and the one that `config` would apply now. */
export async function configurationInfo(
	paths: Paths,
	name: string,
): Promise<{ active: ConfigurationDate | null; current: ConfigurationDate | null }> {
	const stored = await readStored(paths, name);
	const { source } = paths.module(name);
	return {
		active: stored === null ? null : { signature: stored.signature, unixDate: stored.unixDate },
		current: (await exists(source)) ? await signatureOf(source) : null,
	};
}

/** The signature of a module's files, and the date of the newest. */
export async function signatureOf(folder: string): Promise<ConfigurationDate> {
	const { files } = await listFolder(folder);
	const hash = createHash("sha256");
	let newest = 0;
	for (const file of files.sort((a, b) => (a.name < b.name ? -1 : 1))) {
		const content = await readFile(join(folder, file.name));
		hash.update(`${file.name}\0${file.mode}\0${content.length}\0`).update(content);
		newest = Math.max(newest, Math.floor((await stat(join(folder, file.name))).mtimeMs / 1000));
	}
	return { signature: hash.digest("hex").slice(0, 32), unixDate: newest };
}
