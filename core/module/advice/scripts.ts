/** What keeps Linux from running a script, or shells from reading it. */
import { join } from "node:path";
import type { Problem } from "../../errors.ts";
import { plainProblem } from "../inspect.ts";
import { isForWindows, isScript, type ModuleFile } from "./files.ts";

/** Larger files are programs. */
const maxScriptBytes = 1 << 20;

/** `base`: the package or folder, for messages. `programs`: files of bin/ that the configuration runs. */
export async function scriptAdvice(
	files: readonly ModuleFile[],
	base: string,
	programs: ReadonlySet<string>,
): Promise<Problem[]> {
	if (isForWindows(files)) return [];
	const problems: Problem[] = [];
	for (const file of files) {
		if (!file.name.startsWith("bin/")) continue;
		const bytes = await file.content();
		const path = join(base, file.name);
		const isRun = isScript(file.name) || programs.has(file.name);
		// A TypeScript checker is read, not run.
		if (isRun && file.executable === false && !file.name.endsWith(".ts")) problems.push(notExecutable(path));
		if (bytes.length <= maxScriptBytes) problems.push(...textAdvice(Buffer.from(bytes), file.name, path, isRun));
	}
	return problems;
}

function notExecutable(path: string): Problem {
	return {
		...plainProblem("PACKAGE_SCRIPT", "the script is not executable", path, "warning"),
		remedy: `Run \`chmod +x ${path}\`. What \`safekit config\` puts in force is made executable; elsewhere it would be skipped.`,
	};
}

function textAdvice(bytes: Buffer, name: string, path: string, isRun: boolean): Problem[] {
	const [text, first] = [bytes.toString("latin1"), bytes.subarray(0, 256).toString("latin1").split("\n")[0] ?? ""];
	const isBinary = text.includes("\0");
	const warn = (line: number, column: number, message: string, remedy: string): Problem => ({
		...plainProblem("PACKAGE_SCRIPT", message, path, "warning"),
		...{ line, column, remedy },
	});
	if (isBinary) return [];
	// The product itself reads TypeScript.
	if (isRun && !first.startsWith("#!") && !name.endsWith(".ts")) {
		const remedy = "Begin the script with a line such as #!/bin/bash.";
		return [warn(1, 1, "the script does not say which program reads it, so Linux cannot run it", remedy)];
	}
	// Files without ending are read by the scripts beside them.
	if (!first.startsWith("#!") && /\.(?!sh$)[^/]*$/.test(name)) return [];
	const end = text.indexOf("\r\n");
	if (end < 0) return [];
	const line = text.slice(0, end).split("\n").length;
	const column = end - text.lastIndexOf("\n", end);
	if (line > 1 && !shell.test(first)) return [];
	const message =
		line === 1 && first.startsWith("#!")
			? "the first line ends in CRLF, so Linux cannot run the script"
			: "the line ends in CRLF: a shell takes the CR for a part of its last word";
	return [warn(line, column, message, `Save the script with LF line ends: \`sed -i 's/\\r$//' ${path}\`.`)];
}

/** Others read CRLF, or are read by nobody but a shell: no first line at all. */
const shell = /^(?!#!)|^#!.*\b(ba|da|k|z|a)?sh\b/;
