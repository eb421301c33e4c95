/** Loads plugins by the names of their folders (design §3). One that throws is reported and left out. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import semver from "semver";
import type { Kernel, ModeDeclaration, Plugin } from "../engine/plugin.ts";
import { coreVersion } from "../engine/version.ts";
import { SafekitError } from "../errors.ts";
import type { ElementDeclaration, ModeElements } from "../schema/declare.ts";

/** The plugins that come with the product. */
const ownPlugins = join(import.meta.dirname, "../../plugins");

export interface Plugins {
	/** In the order in which they were loaded. */
	loaded: { name: string; version: string }[];
	modes: Map<string, ModeDeclaration>;
	elements: ModeElements[];
	/** What was left out, and why. */
	failures: { folder: string; error: unknown }[];
}

/** The product's own plugins, then those of `$SAFE/plugins`. */
export async function loadPlugins(safe: string | null): Promise<Plugins> {
	const loaded: Plugins = { loaded: [], modes: new Map(), elements: [], failures: [] };
	for (const top of [ownPlugins, ...(safe === null ? [] : [join(safe, "plugins")])]) {
		for (const folder of foldersOf(top)) {
			try {
				await loadOne(join(top, folder), loaded);
			} catch (error) {
				loaded.failures.push({ folder: join(top, folder), error });
			}
		}
	}
	return loaded;
}

function foldersOf(top: string): string[] {
	try {
		const entries = readdirSync(top, { withFileTypes: true });
		return entries
			.filter((entry) => entry.isDirectory())
			.map(({ name }) => name)
			.sort();
	} catch {
		return [];
	}
}

/** What a plugin registers counts only if its whole setup succeeds. */
async function loadOne(folder: string, loaded: Plugins): Promise<void> {
	const { default: plugin } = (await import(pathToFileURL(join(folder, "index.ts")).href)) as { default: Plugin };
	if (!semver.satisfies(coreVersion, plugin.requires.core)) {
		const message = `Plugin ${plugin.name} ${plugin.version} needs core ${plugin.requires.core}, this is core ${coreVersion}.`;
		throw new SafekitError("NODE_PLUGIN", message);
	}
	const modes: ModeDeclaration[] = [];
	const elements: ElementDeclaration[] = [];
	const kernel: Kernel = {
		modes: { add: (mode) => void modes.push(mode) },
		elements: { add: (...more) => void elements.push(...more) },
	};
	plugin.setup(kernel);
	loaded.loaded.push({ name: plugin.name, version: plugin.version });
	for (const mode of modes) {
		const name = mode.automaton.mode;
		if (loaded.modes.has(name))
			throw new SafekitError("NODE_PLUGIN", `Plugin ${plugin.name} brings mode ${name}, which exists.`);
		loaded.modes.set(name, mode);
		loaded.elements.push({ mode: name, carried: true, elements });
	}
}
