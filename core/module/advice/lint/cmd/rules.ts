/** What goes wrong in `.cmd` and `.bat` scripts without anybody noticing. */
import { LineIndex } from "../../../../schema/xml/element.ts";
import { type Finding, findingAt, type Source } from "../source.ts";
import { languageFindings } from "./language.ts";
import { type CmdCommand, type CmdScript, isQuoted, readCmd, wordsOf } from "./read.ts";
import { variableFindings } from "./variables.ts";

/** A finding at an offset of the script. */
export type At = (offset: number, what: Pick<Finding, "code" | "message"> & Partial<Finding>) => Finding;
type Rule = (script: CmdScript, at: At, source: Source) => Finding[];

/** `all`: the scripts of the module, which may call each other. */
export function cmdFindings(source: Source, all: readonly Source[]): Finding[] {
	const lines = new LineIndex(source.text);
	const at: At = (offset, what) => findingAt(lines, offset, what);
	const script = readCmd(source.text);
	return [
		...rules.flatMap((rule) => rule(script, at, source)),
		...exitOfCaller(script, at, source, all),
		...lineEnds(script, at, source),
	];
}

const rules: readonly Rule[] = [
	labels,
	parentheses,
	missingExit,
	fallThrough,
	quotes,
	callless,
	(script, at) => languageFindings(script, at),
	(script, at) => variableFindings(script, at),
];

/** `goto X` and `call :X`; what a variable names is not known. */
function jumps({ commands }: CmdScript): { command: CmdCommand; label: string; isCall: boolean }[] {
	return commands.flatMap((command) => {
		const [, isCall, isGoto] = /^(?:(call)\s+:|(goto)(?:\s*:|\s+))/i.exec(command.text) ?? [];
		if (isCall === undefined && isGoto === undefined) return [];
		const [, written = ""] = /^(?:call\s+:|goto(?:\s*:|\s+))\s*([^\s:+,;=&|<>()"]*)/i.exec(command.text) ?? [];
		if (written === "" || /[%!^]/.test(written)) return [];
		return [{ command, label: written.toLowerCase(), isCall: isCall !== undefined }];
	});
}

function labels(script: CmdScript, at: At): Finding[] {
	return jumps(script)
		.filter(({ label }) => label !== "eof" && !script.labels.has(label))
		.map(({ command, label }) =>
			at(command.offset, {
				code: "LINT_CMD_LABEL",
				severity: "error",
				message: `the script has no label :${label}, so it ends here with an error`,
			}),
		);
}

function parentheses({ unclosed, stray }: CmdScript, at: At): Finding[] {
	const open = unclosed.slice(0, 1).map((offset) =>
		at(offset, {
			code: "LINT_CMD_PAREN",
			severity: "error",
			message: "this block is never closed: nothing from here on is run",
		}),
	);
	if (stray === null) return open;
	const message = "no block is open here, and the rest of the line is skipped: a ) above closed it early";
	return [...open, at(stray, { code: "LINT_CMD_PAREN", message })];
}

const leaves = /^(exit|goto)$/;

/** Whoever runs the script looks at its exit code. */
function missingExit({ commands }: CmdScript, at: At, { isRun, text }: Source): Finding[] {
	const last = commands.at(-1);
	if (!isRun || (last !== undefined && leaves.test(last.name))) return [];
	const message = "the script ends without `exit /b`: its exit code is that of the last command which set one";
	return [at(Math.max(0, text.trimEnd().length - 1), { code: "LINT_CMD_EXIT", message })];
}

/** The code of a subroutine is run once more when the main part comes to its label. */
function fallThrough(script: CmdScript, at: At): Finding[] {
	const called = new Set(jumps(script).flatMap(({ label, isCall }) => (isCall ? [label] : [])));
	const gone = new Set(jumps(script).flatMap(({ label, isCall }) => (isCall ? [] : [label])));
	return [...script.labels].flatMap(([label, { before, offset }]) => {
		const previous = script.commands[before - 1];
		if (!called.has(label) || gone.has(label) || previous === undefined) return [];
		// After a condition the line goes on where it does not hold.
		if (leaves.test(previous.name) && (!previous.conditional || previous.blocks.length > 0)) return [];
		const message = `what comes before runs on into the subroutine :${label}`;
		return [at(offset, { code: "LINT_CMD_FALL", message })];
	});
}

const folders = /%SAFE(BIN|VAR|USERBIN|USERCONF|USERVAR)?%/gi;

function quotes({ commands }: CmdScript, at: At): Finding[] {
	return commands.flatMap(({ name, text, offset }) => {
		if (/^(set|echo|title|for)$/.test(name)) return [];
		const bare = [...text.matchAll(folders)].find(({ index }) => !isQuoted(text, index));
		if (bare === undefined) return [];
		return [
			at(offset + bare.index, {
				code: "LINT_CMD_QUOTES",
				message: `${bare[0]} stands outside quotes: a blank in the folder's name ends the word there`,
			}),
		];
	});
}

/** Another script takes over for good, unless it is called. */
function callless({ commands }: CmdScript, at: At): Finding[] {
	return commands.slice(0, -1).flatMap(({ name, offset, piped }, index) => {
		if (!/\.(cmd|bat)$/.test(name) || piped) return [];
		if (commands[index + 1]?.name === "exit") return [];
		return [
			at(offset, { code: "LINT_CMD_CALL", message: `${name} is started without \`call\`: this script never goes on` }),
		];
	});
}

/** A plain `exit` ends the command processor, and with it the script that called this one. */
function exitOfCaller({ commands }: CmdScript, at: At, { name }: Source, all: readonly Source[]): Finding[] {
	const own = name.slice(name.lastIndexOf("/") + 1);
	const stem = own.replace(/\.(cmd|bat)$/i, "").replaceAll(/[.*+?^$()|[\]{}\\]/g, "\\$&");
	const call = new RegExp(`^[ \\t@(]*call\\b[^\\r\\n]*[\\\\ "]${stem}(\\.(cmd|bat))?(?![\\w.-])`, "im");
	const caller = all.find((each) => each.language === "cmd" && each.name !== name && call.test(each.text));
	if (caller === undefined) return [];
	return commands
		.filter(({ name: word, text }) => word === "exit" && wordsOf(text)[1]?.toLowerCase() !== "/b")
		.map(({ offset }) => {
			const message = `\`exit\` without \`/b\` also ends ${caller.name}, which calls this script`;
			return at(offset, { code: "LINT_CMD_EXIT_CALLER", message });
		});
}

/** Labels are searched in pieces of the file, and with LF alone some are missed. */
function lineEnds(script: CmdScript, at: At, { text }: Source): Finding[] {
	const first = jumps(script).find(({ label }) => label !== "eof");
	if (first === undefined || text.includes("\r\n")) return [];
	const message = "the lines end in LF: the command processor may not find the labels of such a file";
	return [at(first.command.offset, { code: "LINT_CMD_LINES", message })];
}
