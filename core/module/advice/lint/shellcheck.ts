/** What Debian's ShellCheck says of a shell script, where it is installed. */
import { z } from "zod";
import type { Finding, Source } from "./source.ts";
import { runTool } from "./tool.ts";

const timeoutMs = 30_000;
/** What it says of one script beyond these is more of the same. */
const maxComments = 10;
/** ShellCheck knows these. */
const dialects = ["sh", "bash", "dash", "ksh"];
/**
 * Variables that another file of bin/ sets or reads are no mistake: scripts load a library; and syntax is what the shell
 * itself was asked about.
 */
const excluded = ["SC2034", "SC2154", "SC1090", "SC1091"];

const answerShape = z.object({
	comments: z.array(
		z.object({
			line: z.number(),
			column: z.number(),
			level: z.string(),
			code: z.number(),
			message: z.string(),
		}),
	),
});

/**
 * null: not installed, or it gave no answer. Errors, warnings and informations are warnings here, because such a script
 * runs, and in most cases rightly; its opinions on style are left out.
 */
export async function shellcheckFindings({ text, interpreter }: Source): Promise<Finding[] | null> {
	if (!dialects.includes(interpreter)) return [];
	const args = ["--norc", "-f", "json1", "-S", "info", "-s", interpreter, "-e", excluded.join(","), "-"];
	const answer = await runTool("shellcheck", args, { input: text.replaceAll("\r\n", "\n"), timeoutMs });
	if (answer === null || answer.code === null || answer.code > 1) return null;
	const { comments } = answerShape.parse(JSON.parse(answer.stdout));
	return comments.slice(0, maxComments).map(({ line, column, code, message }) => ({
		code: "LINT_SHELL",
		severity: "warning",
		message: `SC${code}: ${message}`,
		line,
		column,
		remedy: `Correct it, or write \`# shellcheck disable=SC${code}\` above; https://www.shellcheck.net/wiki/SC${code} explains it.`,
	}));
}
