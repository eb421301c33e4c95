/** Loads plugins by the names of their folders (design §3). One that fails is reported and left out; the rest runs. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ModeDeclaration } from "../../engine/plugin.ts";
import { SafekitError } from "../../errors.ts";
import type { ElementDeclaration, ModeElements } from "../../schema/declare.ts";
import { checkerElement } from "../../schema/elements/check.ts";
import { createSchema, type Schema } from "../../schema/schema.ts";
import { collectPlugin } from "./collect.ts";
import { describe } from "./describe.ts";
import { type HostTimes, PluginHost } from "./host.ts";
import type { Description } from "./protocol.ts";
import { offerSdk } from "./resolve.ts";

/** The plugins that come with the product. */
const ownPlugins = join(import.meta.dirname, "../../../plugins");

const atOnce = 4;

export interface LoadedPlugin extends Description {
	folder: string;
	/** It comes with the product. */
	own: boolean;
	/** Runs its tests and its advice; null: it has neither. */
	host: PluginHost | null;
}

export interface Plugins {
	/** In the order in which they were loaded. */
	loaded: LoadedPlugin[];
	modes: Map<string, ModeDeclaration>;
	/** What was left out, and why. */
	failures: { folder: string; error: unknown }[];
}

/** The product's own plugins, then those of `$SAFE/plugins`, each by the name of its folder. */
export async function loadPlugins(safe: string | null, times: Partial<HostTimes> = {}): Promise<Plugins> {
	const plugins: Plugins = { loaded: [], modes: new Map(), failures: [] };
	for (const folder of foldersOf(ownPlugins)) {
		await enter(plugins, folder, true, async () => {
			const found = await inThisThread(folder);
			return { ...found, host: needsHost(found.description) ? new PluginHost(folder, times) : null };
		});
	}
	const foreign = safe === null ? [] : foldersOf(join(safe, "plugins"));
	const trials = inTurns(foreign.map((folder) => () => tried(new PluginHost(folder, times))));
	for (const [index, folder] of foreign.entries()) {
		await enter(plugins, folder, false, async () => {
			const trial = await (trials[index] as Promise<Trial>);
			if ("error" in trial) throw trial.error;
			const { description, host } = trial;
			// Decisions are made in the node itself: only what has proved to load comes in.
			const modes = description.modes.length === 0 ? [] : (await inThisThread(folder)).modes;
			if (needsHost(description)) return { description, modes, host };
			await host.stop();
			return { description, modes, host: null };
		});
	}
	return plugins;
}

function needsHost({ checkers, advice }: Description): boolean {
	return checkers.length > 0 || advice > 0;
}

async function inThisThread(folder: string): Promise<{ description: Description; modes: ModeDeclaration[] }> {
	offerSdk();
	const collected = await collectPlugin(folder);
	return { description: describe(collected), modes: collected.modes };
}

/** A few at a time: one that hangs does not hold all others, and many do not take the time from each other. */
function inTurns<T>(all: readonly (() => Promise<T>)[]): Promise<T>[] {
	const ended: Promise<T>[] = [];
	const waiting = all.map((begin, index) => {
		let go = (): void => undefined;
		ended[index] = new Promise<void>((resolve) => {
			go = resolve;
		}).then(begin);
		void ended[index]?.finally(() => waiting.shift()?.());
		return go;
	});
	for (const go of waiting.splice(0, atOnce)) go();
	return ended;
}

type Trial = { description: Description; host: PluginHost } | { error: unknown };

/** Never rejects: nobody may be waiting yet. */
function tried(host: PluginHost): Promise<Trial> {
	return host.load().then(
		(description) => ({ description, host }),
		(error: unknown) => ({ error }),
	);
}

interface Candidate {
	description: Description;
	modes: ModeDeclaration[];
	host: PluginHost | null;
}

/** Takes a plugin in as a whole, or not at all. */
async function enter(plugins: Plugins, folder: string, own: boolean, load: () => Promise<Candidate>): Promise<void> {
	let host: PluginHost | null = null;
	try {
		const candidate = await load();
		host = candidate.host;
		refuseTaken(plugins, candidate.description);
		plugins.loaded.push({ ...candidate.description, folder, own, host });
		for (const mode of candidate.modes) plugins.modes.set(mode.automaton.mode, mode);
	} catch (error) {
		plugins.failures.push({ folder, error });
		await host?.stop();
	}
}

/** Two plugins with one name, mode, element, checker or template: the first one counts. */
function refuseTaken({ loaded }: Plugins, next: Description): void {
	const schema = schemaOf(loaded);
	const elements = [...schema.modes.values()].flatMap((mode) => mode.elements);
	const common = schema.service(undefined).children ?? [];
	const checkers = common.find((element) => element.name === "check")?.children ?? [];
	const taken: [what: string, mine: string[], theirs: Iterable<string>][] = [
		["plugin", [next.name], loaded.map((plugin) => plugin.name)],
		["mode", next.modes, loaded.flatMap((plugin) => plugin.modes)],
		// A mode has its own elements, as the mirror has <vip>; what stands in every <service> exists once.
		...(next.modes.length > 0
			? [["element", namesOf(next.elements), schema.common] as [string, string[], Iterable<string>]]
			: [["element", namesOf(next.elements), namesOf([...elements, ...common])] as [string, string[], string[]]]),
		["checker", namesOf(next.checkers), namesOf(checkers)],
		["template", namesOf(next.catalogue), loaded.flatMap((plugin) => namesOf(plugin.catalogue))],
	];
	for (const [what, mine, theirs] of taken) {
		const known = new Set(theirs);
		const twice = mine.find((name, index) => known.has(name) || mine.indexOf(name) !== index);
		if (twice === undefined) continue;
		const message = `plugin ${next.name} brings ${what} ${twice}, which exists`;
		throw new SafekitError("NODE_PLUGIN", what === "plugin" ? `another plugin is called ${twice}` : message);
	}
}

function namesOf(all: readonly { name: string }[]): string[] {
	return all.map(({ name }) => name);
}

/** The language of userconfig.xml with what plugins add to it. */
export function schemaOf(loaded: readonly Description[]): Schema {
	const modes = loaded.flatMap(({ modes, elements }): ModeElements[] => modes.map((mode) => ({ mode, elements })));
	const withoutMode = loaded.filter(({ modes }) => modes.length === 0);
	return createSchema(modes, {
		elements: withoutMode.flatMap(({ elements }): readonly ElementDeclaration[] => elements),
		checkers: loaded.flatMap(({ checkers }) => checkers.map(checkerElement)),
	});
}

/** What a person has not put there as a plugin is passed over: files, dot folders, packages of npm. */
function foldersOf(top: string): string[] {
	try {
		const names = readdirSync(top).filter((name) => !name.startsWith(".") && name !== "node_modules");
		return names
			.map((name) => join(top, name))
			.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory())
			.sort();
	} catch {
		return [];
	}
}
