/** Lets a shell read a script without running it (`-n`). */
import type { Finding, Source } from "./source.ts";
import { runTool } from "./tool.ts";

const timeoutMs = 20_000;

export interface ShellAnswer {
	findings: Finding[];
	/** The shell is not installed here. */
	missing?: true;
}

export async function shellFindings({ text, interpreter }: Source): Promise<ShellAnswer> {
	const input = text.replaceAll("\r\n", "\n");
	const answer = await read(interpreter, input);
	if (answer === null) return { findings: [], missing: true };
	if (answer.code === null) return { findings: [] };
	const fault = faultIn(answer.stderr, input);
	if (answer.code === 0) return { findings: fault === null ? [] : [{ ...fault, severity: "warning" }] };
	const found = fault ?? { message: answer.stderr.trim() || "the shell cannot read it", line: 1, column: 1 };
	const { severity, ...more } = await certainty(interpreter, input);
	return { findings: [{ code: "LINT_SYNTAX", severity, ...found, ...more }] };
}

/** Options that a script turns on by itself change what it may hold; `-n` carries nothing out. */
async function read(shell: string, input: string) {
	const extended = shell === "bash" && /shopt\s+-s\b[^\n]*\bextglob\b/.test(input) ? ["-O", "extglob"] : [];
	return runTool(shell === "ash" ? "dash" : shell, [...extended, "-n"], { input, timeoutMs });
}

/** An alias may stand for anything, and /bin/sh is another shell on other systems. */
async function certainty(shell: string, input: string): Promise<Pick<Finding, "severity"> & { remedy?: string }> {
	if (/^\s*(alias|shopt\s+-s\b.*\bexpand_aliases)\b/m.test(input)) return { severity: "warning" };
	if (shell !== "sh") return { severity: "error" };
	const other = await read("bash", input);
	if (other === null || other.code !== 0) return { severity: "error" };
	return { severity: "warning", remedy: "Begin the script with #!/bin/bash: /bin/sh is not bash on every system." };
}

/** `bash: line 3: syntax error near …`, `sh: 3: Syntax error: …`. */
function faultIn(stderr: string, input: string): Pick<Finding, "code" | "message" | "line" | "column"> | null {
	const [, number, said] = /^(?:[^\n]*?: )?(?:line )?(\d+): ([^\n]+)$/m.exec(stderr) ?? [];
	if (number === undefined || said === undefined) return null;
	const lines = input.split("\n");
	const line = Math.min(Number(number), lines.length);
	const content = lines[line - 1] ?? "";
	const token = /near unexpected token [`'"]([^'"`]+)/.exec(said)?.[1] ?? /"([^"]+)" unexpected/.exec(said)?.[1];
	const place = token === undefined ? -1 : content.indexOf(token);
	const column = place >= 0 ? place + 1 : content.length - content.trimStart().length + 1;
	return { code: "LINT_SYNTAX", message: said, line, column };
}
