/** The files of bin/ as lint reads them: their text, and which language it is in. */
import { join } from "node:path";
import type { ErrorCode, Problem } from "../../../errors.ts";
import { errors } from "../../../errors.ts";
import type { LineIndex } from "../../../schema/xml/element.ts";
import { isScript, type ModuleFile } from "../files.ts";

export type Language = "shell" | "cmd" | "powershell" | "typescript" | "other";

export interface Source {
	/** As in the package: bin/start_prim. */
	name: string;
	/** For messages. */
	path: string;
	text: string;
	language: Language;
	/** Of a shell: sh, bash, ksh… */
	interpreter: string;
	/** The product runs the file by itself, or because the configuration names it. */
	isRun: boolean;
}

/** Something that a rule found in one file. */
export interface Finding {
	code: ErrorCode;
	severity: Problem["severity"];
	message: string;
	/** From 1. */
	line: number;
	column: number;
	remedy?: string;
}

/** Larger files are programs. */
const maxSourceBytes = 512 * 1024;
const maxSources = 1000;
const maxMessage = 300;
const endings: readonly [RegExp, Language][] = [
	[/\.(cmd|bat)$/i, "cmd"],
	[/\.ps1$/i, "powershell"],
	[/\.ts$/, "typescript"],
];
const shells = /^#!\s*(?:\S*\/)?(?:env\s+(?:-S\s+)?(?:\S*\/)?)?(sh|bash|dash|ash|ksh|zsh)\b/;

/** Reads what is text below bin/. `programs`: files of bin/ that the configuration runs. */
export async function readSources(
	files: readonly ModuleFile[],
	base: string,
	programs: ReadonlySet<string>,
): Promise<Source[]> {
	const sources: Source[] = [];
	for (const { name, content } of files) {
		if (!name.startsWith("bin/") || sources.length >= maxSources) continue;
		const bytes = await content();
		if (bytes.length > maxSourceBytes) continue;
		const text = textOf(bytes);
		if (text === null) continue;
		const interpreter = shells.exec(text)?.[1] ?? "";
		const known = endings.find(([ending]) => ending.test(name))?.[1];
		const bare = withoutEnding(name);
		sources.push({
			...{ name, path: join(base, name), text, interpreter },
			language: known ?? (interpreter === "" ? "other" : "shell"),
			isRun: isScript(bare) || programs.has(name) || programs.has(bare),
		});
	}
	return sources;
}

/** Without the ending that Windows needs. */
export function withoutEnding(name: string): string {
	return name.replace(/\.(ps1|cmd|bat|vbs|exe)$/i, "");
}

/** UTF-16 is what `>` of PowerShell writes; null: no text. */
function textOf(bytes: Uint8Array): string | null {
	const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
	const text = new TextDecoder(wide ? "utf-16le" : "utf-8").decode(bytes);
	return text.includes("\0") ? null : text;
}

/** A finding at an offset of a text. */
export function findingAt(
	lines: LineIndex,
	offset: number,
	what: Pick<Finding, "code" | "message"> & Partial<Finding>,
): Finding {
	return { severity: "warning", ...lines.at(offset), ...what };
}

export function asProblem(
	{ code, severity, message, line, column, remedy }: Finding,
	{ path }: Pick<Source, "path">,
): Problem {
	const text = message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message;
	return { code, severity, message: text, file: path, line, column, remedy: remedy ?? errors[code].remedy };
}
