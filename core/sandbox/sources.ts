/** The files of a TypeScript checker: read from the package, types stripped, with what they import of the package. */
import { lstatSync, readFileSync, realpathSync } from "node:fs";
import { join, posix } from "node:path";
import { SafekitError } from "../errors.ts";
import { sourceLimits } from "./limits.ts";
import type { SourceFile } from "./messages.ts";
import { strip } from "./strip.ts";

export interface CheckerSources {
	entry: string;
	files: SourceFile[];
}

/** True for a checker that runs in the sandbox, by its `exec`. */
export function isTypeScriptChecker(exec: string): boolean {
	return exec.endsWith(".ts");
}

/**
 * Reads a checker with all that it imports. `bin`: the folder of the package's programs; `exec`: relative to it.
 * @throws SafekitError CHECKER_FILE, CHECKER_IMPORT, CHECKER_SYNTAX, CHECKER_TOO_BIG with file and line
 */
export function readChecker(bin: string, exec: string): CheckerSources {
	const entry = posix.normalize(exec.replaceAll("\\", "/"));
	const files: SourceFile[] = [];
	const wanted = [{ name: entry, from: null as Place | null }];
	let bytes = 0;
	for (const { name, from } of wanted) {
		if (files.some((file) => file.name === name)) continue;
		if (files.length >= sourceLimits.files)
			throw new SafekitError("CHECKER_TOO_BIG", `${entry} imports too many files.`);
		const text = readSource(bin, name, from);
		bytes += Buffer.byteLength(text);
		if (bytes > sourceLimits.bytes) throw new SafekitError("CHECKER_TOO_BIG", `${entry} is too big with its imports.`);
		const code = stripped(name, text);
		files.push({ name, code });
		for (const each of importsOf(name, code)) wanted.push({ name: target(each), from: each });
	}
	return { entry, files };
}

interface Place {
	file: string;
	line: number;
	specifier: string;
}

function readSource(bin: string, name: string, from: Place | null): string {
	const where = from === null ? name : `${from.file}:${from.line}: ${from.specifier}`;
	const bad = (why: string): SafekitError => new SafekitError("CHECKER_FILE", `${where}: ${why}`);
	if (name.startsWith("../") || name.startsWith("/") || name === "..") throw bad("it lies outside of bin/.");
	if (!name.endsWith(".ts")) throw bad(`'${name}' does not end in .ts.`);
	const path = join(bin, name);
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (stat === undefined) throw bad("there is no such file.");
	if (!stat.isFile() || realpathSync(path) !== join(realpathSync(bin), name))
		throw bad("it is no ordinary file of the package.");
	if (stat.size > sourceLimits.bytes) throw new SafekitError("CHECKER_TOO_BIG", `${name} has ${stat.size} bytes.`);
	return readFileSync(path, "utf8").replace(/^\uFEFF/, " ");
}

/** Every character that stays keeps its place, so that a stack trace names the line of the author's file. */
function stripped(name: string, text: string): string {
	try {
		return strip(text);
	} catch (error) {
		const { message } = error as Error;
		const at = /:(\d+)\n/.exec((error as Error).stack ?? "")?.[1];
		throw new SafekitError(
			"CHECKER_SYNTAX",
			`${name}${at === undefined ? "" : `:${at}`}: ${message.split("\n").at(0)}`,
		);
	}
}

const statement = /^[ \t]*(?:import|export)\b(?:[^"'`;]*?\bfrom)?\s*(["'])([^"'\n]+)\1/gm;

function importsOf(file: string, code: string): Place[] {
	return [...code.matchAll(statement)]
		.map((match) => ({
			file,
			line: code.slice(0, match.index + match[0].length).split("\n").length,
			specifier: match[2] as string,
		}))
		.filter(({ specifier }) => specifier !== "opensafe");
}

/** The file that an import names. */
function target({ file, line, specifier }: Place): string {
	if (!/^\.\.?\//.test(specifier)) {
		throw new SafekitError("CHECKER_IMPORT", `${file}:${line}: '${specifier}' cannot be imported by a checker.`);
	}
	return posix.join(posix.dirname(file), specifier);
}
