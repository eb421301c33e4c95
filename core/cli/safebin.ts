/** `safekit -r <program>`: a program of SAFEBIN with the environment that scripts have (spec/03 §7). */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SafekitError } from "../errors.ts";
import { errorAsText } from "../log/errorTexts.ts";
import { pathsFrom } from "../module/paths.ts";

/** Runs it on this terminal and returns its exit code. */
export function runSafebin([given = "", ...args]: string[]): number {
	const { safe, safevar, safebin } = pathsFrom(process.env);
	const names = programs(safebin);
	// Published scripts call some of them with the ending that they have in the existing product.
	const name = given.replace(/\.sh$/, "");
	if (!names.includes(name)) {
		const there = names.length === 0 ? `nothing; run \`npm run setup\` first` : names.join(", ");
		const error = new SafekitError("CLI_SAFEBIN", `There is no program '${given}' in ${safebin}. There is ${there}.`);
		process.stderr.write(errorAsText(error));
		return error.exit;
	}
	const env = { ...process.env, SAFE: safe, SAFEVAR: safevar, SAFEBIN: safebin };
	return spawnSync(join(safebin, name), args, { stdio: "inherit", env }).status ?? 1;
}

function programs(folder: string): string[] {
	try {
		return readdirSync(folder).sort();
	} catch {
		return [];
	}
}
