/** `module check`: what is wrong with a package or a module's folder, without a server (interfaces.md). */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import semver from "semver";
import { z } from "zod";
import { asSafekitError, type Problem, SafekitError } from "../errors.ts";
import type { Schema } from "../schema/schema.ts";
import { advise } from "./advice/advise.ts";
import { filesOfFolder, filesOfPackage, type ModuleFile } from "./advice/files.ts";
import { hasErrors, type Inspection, inspect, plainProblem, userconfigName } from "./inspect.ts";

export interface CheckReport {
	/** false ⇒ exit code 3. Warnings leave it true. */
	ok: boolean;
	problems: Problem[];
}

/** Blanks and unknown macros are warnings here: the person who installs the module fills them in. */
export async function checkPackage(
	path: string,
	schema: Schema,
	environment: Readonly<Record<string, string | undefined>>,
): Promise<CheckReport> {
	const problems: Problem[] = [];
	try {
		const files = await filesOf(resolve(path));
		let inspection: Inspection = { problems: [] };
		// All are read, so that damage anywhere is found.
		for (const { name, content } of files) {
			const bytes = await content();
			if (name === userconfigName) {
				inspection = inspect(bytes, join(path, name), "module", 1, { schema, environment, purpose: "check" });
			}
			if (name === "module.json") problems.push(...manifestProblems(bytes, join(path, name)));
		}
		const advice = await advise(inspection, files, path, null);
		problems.unshift(...inspection.problems);
		problems.push(...advice);
	} catch (error) {
		const known = asSafekitError(error);
		// Without a package there is nothing to report on.
		if (known.exit !== new SafekitError("CONFIG_INVALID", "").exit) throw known;
		problems.push({ ...plainProblem(known.code, known.message, path), remedy: known.remedy });
	}
	return { ok: !hasErrors(problems), problems };
}

async function filesOf(path: string): Promise<ModuleFile[]> {
	const info = await stat(path).catch(() => null);
	return info?.isDirectory() ? filesOfFolder(path) : filesOfPackage(path);
}

const manifestShape = z.object({
	name: z.string().max(64).optional(),
	version: z
		.string()
		.refine((text) => semver.valid(text) !== null, "is no semantic version")
		.optional(),
	plugin: z.string().max(64).optional(),
	requires: z
		.record(
			z.string(),
			z.string().refine((text) => semver.validRange(text) !== null, "is no semver range"),
		)
		.optional(),
	permissions: z
		.object({
			net: z.array(z.string()).optional(),
			exec: z.array(z.string()).optional(),
			read: z.array(z.string()).optional(),
		})
		.strict()
		.optional(),
});

/** module.json is optional (design §4). */
function manifestProblems(bytes: Uint8Array, file: string): Problem[] {
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (error) {
		return [plainProblem("PACKAGE_MANIFEST", `module.json is no JSON: ${(error as Error).message}`, file)];
	}
	const result = manifestShape.safeParse(value);
	if (result.success) return [];
	return result.error.issues.map((issue) =>
		plainProblem("PACKAGE_MANIFEST", `module.json: ${issue.path.join(".")} ${issue.message}`, file),
	);
}
