/** `module check`: what is wrong with a package or a module's folder, without a server (interfaces.md). */
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import semver from "semver";
import { z } from "zod";
import { asSafekitError, type Problem, SafekitError } from "../errors.ts";
import type { Schema } from "../schema/schema.ts";
import { hasErrors, inspect, plainProblem, userconfigName } from "./inspect.ts";
import { readPackage } from "./package/read.ts";
import { listFolder } from "./package/write.ts";

export interface CheckReport {
	/** false ⇒ exit code 3. Warnings leave it true. */
	ok: boolean;
	problems: Problem[];
}

type Content = Map<string, () => Promise<Uint8Array>>;

/** Blanks and unknown macros are warnings here: the person who installs the module fills them in. */
export async function checkPackage(
	path: string,
	schema: Schema,
	environment: Readonly<Record<string, string | undefined>>,
): Promise<CheckReport> {
	const problems: Problem[] = [];
	try {
		const content = await contentOf(resolve(path));
		// All are read, so that damage anywhere is found.
		for (const [name, read] of content) {
			const bytes = await read();
			if (name === userconfigName)
				problems.push(
					...inspect(bytes, join(path, name), "module", 1, { schema, environment, purpose: "check" }).problems,
				);
			if (name === "module.json") problems.push(...manifestProblems(bytes, join(path, name)));
			if (name.startsWith("bin/")) problems.push(...scriptProblems(bytes, join(path, name)));
		}
	} catch (error) {
		const known = asSafekitError(error);
		// Without a package there is nothing to report on.
		if (known.exit !== new SafekitError("CONFIG_INVALID", "").exit) throw known;
		problems.push({ ...plainProblem(known.code, known.message, path), remedy: known.remedy });
	}
	return { ok: !hasErrors(problems), problems };
}

async function contentOf(path: string): Promise<Content> {
	const info = await stat(path).catch(() => null);
	if (info?.isDirectory()) {
		const { files } = await listFolder(path);
		return new Map(files.map((file) => [file.name, () => readFile(join(path, file.name))]));
	}
	const { files } = await readPackage(path);
	return new Map(files.map((file) => [file.name, async () => file.content()]));
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

/** A carriage return after `#!/bin/sh` makes Linux look for an interpreter of that name. */
function scriptProblems(bytes: Uint8Array, file: string): Problem[] {
	const line = Buffer.from(bytes.subarray(0, 256)).toString("latin1").split("\n")[0] ?? "";
	if (!line.startsWith("#!") || !line.endsWith("\r")) return [];
	const problem = plainProblem(
		"PACKAGE_SCRIPT",
		"the first line ends in CRLF, so Linux cannot run the script",
		file,
		"warning",
	);
	return [{ ...problem, line: 1, column: 1, remedy: "Save the script with LF line ends." }];
}
