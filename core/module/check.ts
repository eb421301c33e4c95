/** `module check`: what is wrong with a package or a module's folder, without a server (interfaces.md). */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { asSafekitError, type Problem, SafekitError } from "../errors.ts";
import { noPermissions } from "../sandbox/permissions.ts";
import type { Schema } from "../schema/schema.ts";
import type { CheckedElement } from "../schema/validate.ts";
import { advise } from "./advice/advise.ts";
import { filesOfFolder, filesOfPackage, isScript, type ModuleFile } from "./advice/files.ts";
import { lintModule } from "./advice/lint.ts";
import type { PluginAdvice } from "./advice/plugins.ts";
import { programFiles } from "./advice/programs.ts";
import { hasErrors, type Inspection, inspect, plainProblem, userconfigName } from "./inspect.ts";
import { isAuthorsOwn } from "./pack/pack.ts";
import { asksAsText } from "./package/asks.ts";
import { type Manifest, manifestName, readManifest, unmetNeeds } from "./package/manifest.ts";

export interface CheckReport {
	/** false ⇒ exit code 3. Warnings leave it true. */
	ok: boolean;
	problems: Problem[];
	/** What the package may reach and what runs as root, one line each, in words. */
	asks: string[];
	/** What could not be looked at here, and why. */
	notes: string[];
}

/** What the checking program knows beside the package. */
export interface CheckOptions {
	/** Names of the plugins that are loaded; absent: whether the package's plugin is there is not judged. */
	plugins?: readonly string[];
	/** Asks the plugins. */
	pluginAdvice?: PluginAdvice | undefined;
}

/** Blanks and unknown macros are warnings here: the person who installs the module fills them in. */
export async function checkPackage(
	path: string,
	schema: Schema,
	environment: Readonly<Record<string, string | undefined>>,
	options: CheckOptions = {},
): Promise<CheckReport> {
	const problems: Problem[] = [];
	const asks: string[] = [];
	const notes: string[] = [];
	try {
		const files = await filesOf(resolve(path));
		let inspection: Inspection = { problems: [] };
		let manifest: Manifest | null = null;
		// All are read, so that damage anywhere is found.
		for (const { name, content } of files) {
			const bytes = await content();
			if (name === userconfigName) {
				inspection = inspect(bytes, join(path, name), "module", 1, { schema, environment, purpose: "check" });
			}
			if (name === manifestName) {
				const read = readManifest(bytes, join(path, name));
				if ("problems" in read) problems.push(...read.problems);
				else {
					manifest = read.manifest;
					problems.push(...unmetNeeds(manifest, options.plugins, join(path, name)));
				}
			}
		}
		const advice = await advise(inspection, files, path, null, options.pluginAdvice);
		const lint = await lintModule(inspection, files, path, true);
		problems.unshift(...inspection.problems);
		problems.push(...advice, ...lint.problems);
		notes.push(...lint.notes);
		asks.push(...asksOf(manifest, files, inspection.read?.service));
	} catch (error) {
		const known = asSafekitError(error);
		// Without a package there is nothing to report on.
		if (known.exit !== new SafekitError("CONFIG_INVALID", "").exit) throw known;
		problems.push({ ...plainProblem(known.code, known.message, path), remedy: known.remedy });
	}
	return { ok: !hasErrors(problems), problems, asks, notes };
}

async function filesOf(path: string): Promise<ModuleFile[]> {
	const info = await stat(path).catch(() => null);
	return info?.isDirectory() ? filesOfFolder(path, isAuthorsOwn) : filesOfPackage(path);
}

/** `service` undefined: userconfig.xml could not be read, so nobody knows which programs it names. */
function asksOf(
	manifest: Manifest | null,
	files: readonly ModuleFile[],
	service: CheckedElement | undefined,
): string[] {
	const named = service === undefined ? new Set<string>() : programFiles(service);
	const runs = files.map(({ name }) => name).filter((name) => named.has(name) || isScript(withoutEnding(name)));
	const inSandbox = runs.filter((name) => name.endsWith(".ts"));
	const short = (names: string[]) => names.map((name) => name.replace(/^bin\//, ""));
	return asksAsText(manifest?.permissions ?? noPermissions, {
		asRoot: short(runs.filter((name) => !inSandbox.includes(name))),
		inSandbox: short(inSandbox),
	});
}

function withoutEnding(name: string): string {
	return name.replace(/\.(ps1|cmd|bat|vbs|exe)$/i, "");
}
