/** Imports one plugin and runs its setup: what it registers, or why it is none. Runs in the plugin's own thread. */
import { existsSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import semver from "semver";
import { z } from "zod";
import type { Advice, CheckerKind, ModeDeclaration, Plugin, TemplateDeclaration } from "../../engine/plugin.ts";
import { coreVersion } from "../../engine/version.ts";
import { SafekitError } from "../../errors.ts";
import type { ElementDeclaration } from "../../schema/declare.ts";
import { attributeShape, elementShape } from "../../schema/declared.ts";

export interface Collected {
	name: string;
	version: string;
	modes: ModeDeclaration[];
	elements: ElementDeclaration[];
	checkers: CheckerKind[];
	advice: Advice[];
	/** Folders are absolute. */
	catalogue: TemplateDeclaration[];
}

const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "has to be lower-case letters, digits and -, at most 32");

const pluginShape = z.object({
	name,
	version: z.string().refine((text) => semver.valid(text) !== null, "is no semantic version, as 1.0.0"),
	requires: z.object({
		core: z.string().refine((text) => semver.validRange(text) !== null, "is no semver range, as ^1.0"),
	}),
	setup: z.custom<Plugin["setup"]>((value) => typeof value === "function", "is no function"),
});

const modeShape = z.object({
	automaton: z.object({
		mode: name,
		...Object.fromEntries(
			["initial", "decide", "assertInvariants", "announce", "view"].map((each) => [
				each,
				z.custom((value) => typeof value === "function"),
			]),
		),
	}),
	uses: z.array(z.enum(["heartbeat", "vip", "replication", "scripts"])),
});

const kindShape = z.object({
	name,
	doc: z.string().min(1),
	attributes: z.record(z.string(), attributeShape),
	test: z.custom<CheckerKind["test"]>((value) => typeof value === "function", "is no function"),
});

const templateShape = z.object({
	name: z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/),
	doc: z.string().min(1),
	folder: z.string(),
});

/** @throws SafekitError NODE_PLUGIN; whatever the plugin throws. */
export async function collectPlugin(folder: string): Promise<Collected> {
	const entry = join(folder, "index.ts");
	if (!existsSync(entry)) throw wrong(`${folder} has no index.ts`);
	const loaded = (await import(pathToFileURL(entry).href)) as { default?: unknown };
	if (typeof loaded.default !== "object" || loaded.default === null) {
		throw wrong("index.ts has no default export made by definePlugin({ … })");
	}
	const plugin = checked(pluginShape, loaded.default, "the plugin");
	const { version, requires } = plugin;
	if (!semver.satisfies(coreVersion, requires.core, { includePrerelease: true })) {
		throw wrong(`plugin ${plugin.name} ${version} needs core ${requires.core}, this is core ${coreVersion}`);
	}
	const found: Collected = {
		name: plugin.name,
		version,
		modes: [],
		elements: [],
		checkers: [],
		advice: [],
		catalogue: [],
	};
	let open = true;
	const add = <T>(list: T[], what: string, shape: z.ZodType) => ({
		add(...more: readonly T[]) {
			if (!open) throw wrong("setup registers after it has returned");
			for (const each of more) {
				checked(shape, each, `${what} ${nameOf(each)}`);
				list.push(each);
			}
		},
	});
	const advice = z.custom<Advice>((value) => typeof value === "function", "is no function");
	const returned: unknown = (loaded.default as Plugin).setup({
		modes: add(found.modes, "mode", modeShape),
		elements: add(found.elements, "element", elementShape),
		checkers: add(found.checkers, "checker", kindShape),
		advice: add(found.advice, "advice", advice),
		catalogue: add(found.catalogue, "template", templateShape),
	});
	// What is registered later would be missing at random.
	if (returned instanceof Promise) await returned;
	open = false;
	return { ...found, catalogue: found.catalogue.map((template) => placed(template, folder)) };
}

function placed(template: TemplateDeclaration, folder: string): TemplateDeclaration {
	const path = join(folder, template.folder);
	if (!existsSync(join(path, "conf/userconfig.xml"))) {
		throw wrong(`template ${template.name}: ${template.folder} has no conf/userconfig.xml`);
	}
	if (!realpathSync(path).startsWith(realpathSync(folder) + sep)) {
		throw wrong(`template ${template.name}: ${template.folder} is not below the plugin's folder`);
	}
	return { ...template, folder: path };
}

function checked<T>(shape: z.ZodType<T>, value: unknown, what: string): T {
	const result = shape.safeParse(value);
	if (result.success) return result.data;
	const [issue] = result.error.issues;
	const path = issue?.path.map(String).join(".") ?? "";
	throw wrong(`${what}: ${path === "" ? "" : `${path}: `}${issue?.message ?? "cannot be used"}`);
}

function nameOf(value: unknown): string {
	const { name: own, automaton } = (value ?? {}) as { name?: unknown; automaton?: { mode?: unknown } };
	return String(own ?? automaton?.mode ?? "").slice(0, 64);
}

function wrong(message: string): SafekitError {
	return new SafekitError("NODE_PLUGIN", message);
}
