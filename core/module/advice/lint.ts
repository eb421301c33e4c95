/** What reading scripts, checkers and macros tells: `module check` and `confcheck`. */
import { join } from "node:path";
import type { Inspection } from "../inspect.ts";
import { userconfigName } from "../inspect.ts";
import type { ModuleFile } from "./files.ts";
import { type Lint, lintScripts } from "./lint/lint.ts";
import { readSources } from "./lint/source.ts";
import { macroAdvice } from "./macros.ts";
import { programFiles } from "./programs.ts";

/** `base`: the package or folder, for messages. `thorough`: as in lintScripts. */
export async function lintModule(
	{ read }: Inspection,
	files: readonly ModuleFile[],
	base: string,
	thorough: boolean,
): Promise<Lint> {
	const programs = read === undefined ? new Set<string>() : programFiles(read.service);
	const sources = await readSources(files, base, programs);
	const lint = await lintScripts(sources, thorough);
	const userconfig = files.find(({ name }) => name === userconfigName);
	if (read !== undefined && userconfig !== undefined) {
		const text = Buffer.from(await userconfig.content()).toString("utf8");
		lint.problems.push(...macroAdvice(read, join(base, userconfigName), text, sources));
	}
	return lint;
}
