/** The module that is tested: its folder, read as `safekit config` reads it, with what a person still has to fill in. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { SafekitError } from "../../../core/errors.ts";
import type { ModuleConfiguration } from "../../../core/module/configuration.ts";
import { inspect, readSource, refuseErrors, userconfigName } from "../../../core/module/inspect.ts";
import { type Plugins, schemaOf } from "../../../core/node/plugins/load.ts";

export interface TestedModule {
	folder: string;
	configuration: ModuleConfiguration;
	hasScript(script: string): boolean;
}

const remedy = "Name the folder of a module: the one with conf/userconfig.xml.";

/** Stand-ins for what is left blank in a template. */
const blank = {
	address: "192.0.2.10",
	directory: { dir: "/data", tocheck: [], notReplicatedPaths: [], notReplicatedRegexes: [] },
};

/**
 * Reads `folder`.
 * @throws SafekitError when there is no module, its configuration has errors, or nothing carries out its mode.
 */
export async function readModule(folder: string, plugins: Plugins): Promise<TestedModule> {
	if (!(await stat(folder).catch(() => null))?.isDirectory()) {
		throw new SafekitError("PACKAGE_NOT_FOUND", `${folder} is no folder of a module`, { remedy });
	}
	const options = { schema: schemaOf(plugins.loaded), environment: process.env, purpose: "check" } as const;
	const name = basename(folder);
	const inspection = inspect(await readSource(folder), join(folder, userconfigName), name, 1, options);
	refuseErrors(inspection.problems);
	const configuration = filledIn(inspection.configuration as ModuleConfiguration);
	if (!plugins.modes.has(configuration.mode)) {
		throw new SafekitError(
			"NODE_MODE",
			`Modules of mode '${configuration.mode}' cannot be tested yet: no plugin carries out that mode here.`,
		);
	}
	const scripts = await scriptsIn(join(folder, "bin"));
	return { folder, configuration, hasScript: (script) => scripts.has(script) };
}

/** Names that have a file, for whatever system it is: scripts are recorded, not run. */
async function scriptsIn(bin: string): Promise<ReadonlySet<string>> {
	const entries = await readdir(bin, { withFileTypes: true }).catch(() => []);
	const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
	return new Set(names.flatMap((name) => [name, name.replace(/\.(sh|ps1|cmd|bat)$/i, "")]));
}

/** A template is tested as it will be used: with an address and a directory where it has none yet. */
function filledIn(configuration: ModuleConfiguration): ModuleConfiguration {
	const { vip, rfs, checkers } = configuration;
	const addresses = vip?.addresses.map((each) => ({ ...each, addr: each.addr || blank.address })) ?? [];
	const directories = rfs?.directories.filter(({ dir }) => dir !== "") ?? [];
	return {
		...configuration,
		// Those of the virtual address are left blank with it.
		checkers: checkers.map((each) => ("addr" in each && each.addr === "" ? { ...each, addr: blank.address } : each)),
		vip: vip === null ? null : { ...vip, addresses },
		rfs: rfs === null ? null : { ...rfs, directories: directories.length === 0 ? [blank.directory] : directories },
	};
}
