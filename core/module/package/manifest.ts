/** `module.json` of a package (design §4): its name and version, what it needs, and what its checkers may reach. */
import semver from "semver";
import { z } from "zod";
import { coreVersion } from "../../engine/version.ts";
import { type ErrorCode, errors, type Problem } from "../../errors.ts";
import {
	noPermissions,
	type Permissions,
	permissionLimits,
	readExec,
	readFiles,
	readNet,
} from "../../sandbox/permissions.ts";
import { nearest } from "../../schema/suggest.ts";
import { JsonError, type JsonPlace, type LocatedJson, readJson } from "./json.ts";

export const manifestName = "module.json";

export interface Manifest {
	name: string;
	/** semver. */
	version: string;
	/** The plugin that has to be loaded, by its name. */
	plugin: string | null;
	/** `core`: semver range. */
	requires: { core: string };
	permissions: Permissions;
}

const maxBytes = 64 * 1024;
const readers = { net: readNet, exec: readExec, read: readFiles };

const name = z
	.string()
	.regex(
		/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
		"has to be letters, digits, `_` and `-`, at most 64, beginning with a letter or digit",
	);

function permission(kind: keyof Permissions) {
	const one = z.string().superRefine((text, context) => {
		const read = readers[kind](text);
		if ("wrong" in read) context.addIssue({ code: "custom", message: `'${text.slice(0, 80)}' ${read.wrong}` });
	});
	const { entries } = permissionLimits;
	return z.array(one).max(entries, `has more than ${entries} entries`).default([]);
}

const shape = z.strictObject({
	name,
	version: z
		.string()
		.max(64, "is longer than 64 characters")
		.refine((text) => semver.valid(text) === text, "is no semantic version, as 1.0.0"),
	plugin: name.nullable().default(null),
	requires: z
		.strictObject({
			core: z
				.string()
				.max(128, "is longer than 128 characters")
				.refine((text) => semver.validRange(text) !== null, "is no semver range, as ^1.0"),
		})
		.default({ core: "*" }),
	permissions: z
		.strictObject({ net: permission("net"), exec: permission("exec"), read: permission("read") })
		.default(noPermissions),
});

/** Keys that may stand at each place. */
const known: Readonly<Record<string, readonly string[]>> = {
	"": Object.keys(shape.shape),
	requires: ["core"],
	permissions: ["net", "exec", "read"],
};

/** Reads a module.json; `file` is its name in messages. Everything that is wrong comes back with line and column. */
export function readManifest(bytes: Uint8Array, file: string): { manifest: Manifest } | { problems: Problem[] } {
	const located = readText(bytes);
	if (!("placeOf" in located)) {
		return { problems: [problem("PACKAGE_MANIFEST", `module.json ${located.why}`, file, located.place)] };
	}
	const result = shape.safeParse(located.value);
	if (result.success) return { manifest: result.data };
	return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, located, file)) };
}

function readText(bytes: Uint8Array): LocatedJson | { why: string; place?: JsonPlace } {
	if (bytes.length > maxBytes) return { why: `has ${bytes.length} bytes; ${maxBytes} are the limit` };
	try {
		return readJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (error) {
		if (error instanceof JsonError) return { why: `is no JSON: ${error.message}`, place: error.place };
		return { why: "is not UTF-8" };
	}
}

function problemsOf(issue: z.core.$ZodIssue, located: LocatedJson, file: string): Problem[] {
	const path = issue.path.map(String).join(".");
	if (issue.code === "unrecognized_keys") {
		return issue.keys.map((key) => {
			const guess = nearest(key, known[path] ?? []);
			const place = located.placeOfKey([...issue.path, key]);
			const expected = (known[path] ?? []).join(", ");
			return {
				...problem("PACKAGE_MANIFEST", `module.json: ${JSON.stringify(key)} means nothing here`, file, place),
				expected,
				...(guess === undefined ? {} : { remedy: `Did you mean \`${guess}\`?` }),
			};
		});
	}
	const isMissing = issue.code === "invalid_type" && issue.message.endsWith("undefined");
	const what = isMissing ? "is missing" : wording(issue);
	return [
		{
			...problem("PACKAGE_MANIFEST", `module.json: ${path || "the file"} ${what}`, file, located.placeOf(issue.path)),
			...(path === "" ? {} : { attribute: path }),
		},
	];
}

function wording(issue: z.core.$ZodIssue): string {
	if (issue.code !== "invalid_type") return issue.message;
	return `has to be ${/^[aeiou]/.test(issue.expected) ? "an" : "a"} ${issue.expected}`;
}

/**
 * What is lacking here for the package: a core of the right version, the plugin. `plugins`: names of those loaded;
 * undefined: not judged.
 */
export function unmetNeeds(manifest: Manifest, plugins: readonly string[] | undefined, file: string): Problem[] {
	const { requires, plugin } = manifest;
	const what = `${manifest.name} ${manifest.version}`;
	const found: Problem[] = [];
	if (!semver.satisfies(coreVersion, requires.core, { includePrerelease: true })) {
		const message = `${what} needs core ${requires.core}, this is core ${coreVersion}`;
		found.push({ ...problem("PACKAGE_CORE", message, file), attribute: "requires.core" });
	}
	if (plugin !== null && plugins?.includes(plugin) === false) {
		const guess = nearest(plugin, plugins);
		const message = `${what} needs the plugin ${plugin}, which is not loaded`;
		const remedy = guess === undefined ? errors.PACKAGE_PLUGIN.remedy : `Did you mean \`${guess}\`?`;
		found.push({ ...problem("PACKAGE_PLUGIN", message, file), attribute: "plugin", found: plugin, remedy });
	}
	return found;
}

function problem(code: ErrorCode, message: string, file: string, place?: JsonPlace): Problem {
	return { code, severity: "error", message, file, ...place, remedy: errors[code].remedy };
}
