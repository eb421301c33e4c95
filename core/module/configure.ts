/** `config`, `confcheck` and `deconfig` (spec/04 §5, spec/09 §6.4). */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asSafekitError, type Problem, SafekitError } from "../errors.ts";
import { writeSafeconf } from "../schema/safeconf.ts";
import type { CheckedElement } from "../schema/validate.ts";
import { environmentFile, type VirtualHost } from "../scripts/vhost.ts";
import { activeTree, readConfiguration, readConfigurations, signatureOf, storedText } from "./active.ts";
import { advise } from "./advice/advise.ts";
import { filesOfFolder } from "./advice/files.ts";
import { lintModule } from "./advice/lint.ts";
import type { PluginAdvice } from "./advice/plugins.ts";
import type { ServerFacts } from "./advice/server.ts";
import { needsStop } from "./changes.ts";
import type { ModuleConfiguration } from "./configuration.ts";
import { checkDirectories, createDirectories } from "./directories.ts";
import { isEncrypted } from "./encryption.ts";
import { makeFolder, writeSynced } from "./files.ts";
import type { FileSystemProbe } from "./filesystem.ts";
import { keepConfiguration } from "./history.ts";
import { type Inspection, type InspectOptions, inspect, readSource, refuseErrors } from "./inspect.ts";
import { withModuleLock } from "./lock.ts";
import { manifestName } from "./package/manifest.ts";
import { listFolder } from "./package/write.ts";
import type { Paths } from "./paths.ts";
import { recover } from "./recover.ts";
import { idOf } from "./registry.ts";
import { virtualHosts } from "./settings/vhost.ts";
import { exists, type Tree } from "./trees.ts";

export type HookName = "config" | "postconfig" | "deconfig" | "confcheck";
/** Runs one script of SAFEUSERBIN, its output to the person who waits. Called only for modules with `<user>`. */
export type Hook = (
	script: HookName,
	configuration: ModuleConfiguration,
) => Promise<{ ran: boolean; exitCode: number | null }>;

export interface ConfigureOptions extends Omit<InspectOptions, "purpose"> {
	probe?: FileSystemProbe;
	/** This server, for advice on names that it must have. */
	server?: ServerFacts;
	/** Asks the plugins. */
	pluginAdvice?: PluginAdvice | undefined;
	hook: Hook;
	/** The module runs: called with what only a stopped one can take on, if there is such; has to throw. */
	refuse?: (needsStop: string[]) => never;
	/** The number that the module will have. Default: the one that it has. */
	id?: number;
	/** Called when nothing can fail any more, before the new configuration is in force for good. */
	confirmed?: () => Promise<void>;
}

export interface Configured {
	configuration: ModuleConfiguration;
	warnings: Problem[];
	signature: string;
}

/**
 * Applies `$SAFE/modules/NAME`. The new scripts and safeconf.xml are in their places before postconfig runs; if it
 * fails, or the power goes before it has ended, the previous configuration is in force as before.
 */
export async function configureModule(paths: Paths, name: string, options: ConfigureOptions): Promise<Configured> {
	return withModuleLock(paths, async () => {
		await recover(paths);
		return putInForce(paths, name, options);
	});
}

/** The same, for who holds the module lock and has recovered. */
export async function putInForce(paths: Paths, name: string, options: ConfigureOptions): Promise<Configured> {
	const { inspection, previous } = await inspectModule(paths, name, options);
	const encryption = await isEncrypted(paths.module(name).source);
	await refuseWhatStops(paths, name, { inspection, previous }, options);
	const configuration = { ...(inspection.configuration as ModuleConfiguration), encryption };
	const { signature } = await signatureOf(paths.module(name).source);
	const tree = activeTree(paths, name);
	const safe = inspection.read?.safe as CheckedElement;
	const warnings = [...inspection.problems];
	let undo = async (): Promise<void> => undefined;
	try {
		await stage(
			tree,
			paths.module(name).source,
			{ safeconf: writeSafeconf(safe), hosts: virtualHosts(inspection.read?.service as CheckedElement) },
			storedText(configuration, signature, nowInSeconds()),
		);
		undo = await createDirectories(dirsOf(configuration));
		await makeFolder(paths.module(name).userVar);
		await tree.tryOut();
		if (configuration.user !== null) warnings.push(...(await runHooks(options.hook, configuration)));
		await options.confirmed?.();
	} catch (error) {
		await tree.recover();
		await undo();
		throw error;
	}
	await tree.confirm();
	warnings.push(...(await keepLastConfiguration(paths, name)));
	return { configuration, warnings, signature };
}

/** Says what is wrong with `$SAFE/modules/NAME`, and changes nothing. Throws as `configureModule` would. */
export async function checkConfiguration(paths: Paths, name: string, options: ConfigureOptions): Promise<Problem[]> {
	const { inspection, previous } = await inspectModule(paths, name, options);
	const { source } = paths.module(name);
	const { problems: lint } = await lintModule(inspection, await filesOfFolder(source), source, false);
	inspection.problems.push(...lint);
	refuseErrors(inspection.problems);
	await refuseWhatStops(paths, name, { inspection, previous }, options);
	// The script belongs to what is in force: without that there is none to run.
	if (!previous?.user) return inspection.problems;
	const { ran, exitCode } = await options.hook("confcheck", previous);
	if (ran && exitCode !== 0) throw scriptFailed("confcheck", exitCode);
	return inspection.problems;
}

async function inspectModule(
	paths: Paths,
	name: string,
	options: ConfigureOptions,
): Promise<{ inspection: Inspection; previous: ModuleConfiguration | null }> {
	const id = options.id ?? (await idOf(paths, name));
	const { source, sourceConf } = paths.module(name);
	if (!(await exists(source))) throw new SafekitError("MODULE_UNKNOWN", `${source} does not exist`);
	const inspection = inspect(await readSource(source), join(sourceConf, "userconfig.xml"), name, id, {
		...options,
		purpose: "config",
	});
	const advice: Problem[] = [];
	// A configuration that cannot be read any more must not stand in the way of its replacement.
	const previous = await readConfiguration(paths, name).catch(() => null);
	if (inspection.read !== undefined) {
		const others = await readConfigurations(paths, name);
		await checkDirectories(inspection.read, {
			...(options.probe === undefined ? {} : { probe: options.probe }),
			others: new Map(others.map((other) => [other.module, dirsOf(other)])),
			own: [paths.safe, paths.safevar],
			inForce: previous === null ? [] : dirsOf(previous),
		});
		const server = { facts: options.server, cluster: options.cluster, others, inForce: previous };
		advice.push(...(await advise(inspection, await filesOfFolder(source), source, server, options.pluginAdvice)));
	}
	const problems = [...inspection.problems, ...advice];
	refuseErrors(problems);
	return { inspection: { ...inspection, problems }, previous };
}

/** With `refuse`: calls it if anything differs from what is in force that only a stopped module can take on. */
async function refuseWhatStops(
	paths: Paths,
	name: string,
	{ inspection, previous }: { inspection: Inspection; previous: ModuleConfiguration | null },
	{ schema, refuse }: ConfigureOptions,
): Promise<void> {
	if (refuse === undefined || inspection.read === undefined) return;
	const { userConf, source } = paths.module(name);
	const safeconf = await readFile(join(userConf, "safeconf.xml")).catch(() => Buffer.alloc(0));
	const changes = needsStop(safeconf, inspection.read, schema);
	const encryption = await isEncrypted(source);
	if (previous?.encryption !== encryption) changes.push(`encryption: ${encryption ? "off → on" : "on → off"}`);
	if (changes.length > 0) refuse(changes);
}

function dirsOf(configuration: ModuleConfiguration): string[] {
	return configuration.rfs?.directories.map(({ dir }) => dir) ?? [];
}

async function stage(
	tree: Tree,
	source: string,
	{ safeconf, hosts }: { safeconf: string; hosts: VirtualHost[] },
	stored: string,
): Promise<void> {
	const folder = await tree.begin();
	await makeFolder(join(folder, "conf"));
	await makeFolder(join(folder, "bin"));
	// Every file of bin/ goes along: scripts load their siblings (spec/09 §2.2). What checkers may reach is in module.json.
	const { files } = await listFolder(source);
	const made = new Set(hosts.map(({ envfile }) => `bin/${envfile}`));
	for (const file of files.filter(
		({ name }) => name === manifestName || (name.startsWith("bin/") && !made.has(name)),
	)) {
		await makeFolder(dirname(join(folder, file.name)));
		await writeSynced(join(folder, file.name), await readFile(join(source, file.name)), file.mode);
	}
	for (const host of hosts) {
		const file = join(folder, "bin", host.envfile);
		await makeFolder(dirname(file));
		await writeSynced(file, environmentFile(host), 0o755);
	}
	await writeSynced(join(folder, "conf/safeconf.xml"), safeconf, 0o644);
	await writeSynced(join(folder, "conf/configuration.json"), stored, 0o644);
}

/** Only postconfig decides (spec/03 §4); what `config` returns is told, as nothing documents that it fails. */
async function runHooks(hook: Hook, configuration: ModuleConfiguration): Promise<Problem[]> {
	const early = await hook("config", configuration);
	const late = await hook("postconfig", configuration);
	if (late.ran && late.exitCode !== 0) throw scriptFailed("postconfig", late.exitCode);
	if (!early.ran || early.exitCode === 0) return [];
	const remedy = "Correct the script if this was no success.";
	return [
		{ code: "CONFIG_SCRIPT", severity: "warning", message: `the script config ended with ${early.exitCode}`, remedy },
	];
}

function scriptFailed(script: HookName, exitCode: number | null = null): SafekitError {
	const how = exitCode === null ? "failed" : `ended with ${exitCode}`;
	return new SafekitError("CONFIG_SCRIPT", `the script ${script} ${how}`);
}

/** The configuration is in force by now: an archive that cannot be written is only told. */
async function keepLastConfiguration(paths: Paths, name: string): Promise<Problem[]> {
	try {
		await keepConfiguration(paths, name);
		return [];
	} catch (error) {
		const { code, message, remedy } = asSafekitError(error);
		return [
			{ code, severity: "warning", message: `the configuration is applied, but not archived: ${message}`, remedy },
		];
	}
}

/** Removes what is in force of a stopped module and keeps what the person edits. Without configuration: nothing to do. */
export async function deconfigureModule(paths: Paths, name: string, hook: Hook): Promise<void> {
	await withModuleLock(paths, async () => {
		await recover(paths);
		await idOf(paths, name);
		const configuration = await readConfiguration(paths, name).catch(() => null);
		// A failing deconfig script must not keep a module for ever.
		if (configuration?.user) await hook("deconfig", configuration);
		await activeTree(paths, name).remove();
	});
}

function nowInSeconds(): number {
	return Math.floor(Date.now() / 1000);
}
