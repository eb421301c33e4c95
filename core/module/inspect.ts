/** Reads a module's userconfig.xml and everything that the server has to agree with: `check`, `confcheck` and `config` begin here. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster } from "../cluster/cluster.ts";
import { type ErrorCode, errors, type Problem, SafekitError } from "../errors.ts";
import type { Schema } from "../schema/schema.ts";
import { readUserconfig, type Userconfig } from "../schema/userconfig.ts";
import type { ModuleConfiguration } from "./configuration.ts";
import { clusterProblems } from "./settings/cluster.ts";
import { moduleSettings } from "./settings/module.ts";

/** userconfig.xml as messages name it. */
export const userconfigName = "conf/userconfig.xml";

export interface Inspection {
	problems: Problem[];
	/** Absent when the file cannot be read at all. Usable only without errors. */
	read?: Userconfig;
	configuration?: ModuleConfiguration;
}

export interface InspectOptions {
	schema: Schema;
	environment: Readonly<Record<string, string | undefined>>;
	purpose: "config" | "check";
	/** When given, lans and nodes are compared with it. */
	cluster?: Cluster;
}

export function inspect(
	bytes: Uint8Array,
	file: string,
	module: string,
	id: number,
	options: InspectOptions,
): Inspection {
	const read = readUserconfig(bytes, { ...options, file });
	if ("problems" in read) return { problems: read.problems };
	const configuration = moduleSettings(module, id, read);
	if (options.cluster !== undefined) clusterProblems(configuration, options.cluster, read);
	return { problems: read.report.problems, read, configuration };
}

/** The bytes of `conf/userconfig.xml` below `folder`. */
export async function readSource(folder: string): Promise<Buffer> {
	return readFile(join(folder, userconfigName)).catch((cause: NodeJS.ErrnoException) => {
		if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR") throw cause;
		throw new SafekitError("PACKAGE_NO_USERCONFIG", `${folder} has no ${userconfigName}`, { cause });
	});
}

export function hasErrors(problems: readonly Problem[]): boolean {
	return problems.some((problem) => problem.severity === "error");
}

/** Ends a command that may not go on with such a configuration. */
export function refuseErrors(problems: readonly Problem[]): void {
	const [first] = problems.filter((problem) => problem.severity === "error");
	if (first !== undefined)
		throw new SafekitError("CONFIG_INVALID", first.message, { place: first, remedy: first.remedy, problems });
}

/** A problem that has no place inside the file. */
export function plainProblem(
	code: ErrorCode,
	message: string,
	file: string,
	severity: Problem["severity"] = "error",
): Problem {
	return { code, severity, message, file, remedy: errors[code].remedy };
}
