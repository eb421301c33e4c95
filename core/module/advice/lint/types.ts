/** Type errors of the TypeScript checkers in bin/, as the project's own compiler finds them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { authorOptions } from "../../author/tsconfig.ts";
import type { Finding, Source } from "./source.ts";
import { runTool } from "./tool.ts";

const timeoutMs = 60_000;
/** null: the compiler gave no answer. */
export async function typeFindings(sources: readonly Source[]): Promise<Map<Source, Finding[]> | null> {
	const folder = await mkdtemp(join(tmpdir(), "opensafe-types-"));
	try {
		for (const { name, text } of sources) {
			await mkdir(dirname(join(folder, name)), { recursive: true });
			await writeFile(join(folder, name), text);
		}
		const files = sources.map(({ name }) => name);
		await writeFile(
			join(folder, "tsconfig.json"),
			JSON.stringify({ compilerOptions: authorOptions("checker"), files }),
		);
		const compiler = createRequire(import.meta.url).resolve("typescript/package.json");
		const args = [join(dirname(compiler), "bin/tsc"), "--pretty", "false", "-p", folder];
		const answer = await runTool(process.execPath, args, { timeoutMs, cwd: folder });
		return answer === null || answer.code === null ? null : findingsIn(answer.stdout, sources);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** `bin/checks/web.ts(3,7): error TS2322: …`; what is indented below belongs to it. Errors of our own types are ours. */
function findingsIn(output: string, sources: readonly Source[]): Map<Source, Finding[]> {
	const found = new Map<Source, Finding[]>();
	for (const [, name, line, column, code, message = ""] of output.matchAll(
		/^([^\s(][^(\n]*)\((\d+),(\d+)\): error (TS\d+): (.*)$/gm,
	)) {
		const source = sources.find((each) => each.name === name);
		if (source === undefined) continue;
		found.set(source, [
			...(found.get(source) ?? []),
			{
				code: "LINT_TYPE",
				severity: "error",
				message: `${code}: ${message}`,
				line: Number(line),
				column: Number(column),
			},
		]);
	}
	return found;
}
