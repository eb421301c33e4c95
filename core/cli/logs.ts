/** Commands that read and write logs (spec/04 §4). */
import { writeFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import { formatCommand } from "../log/commandLog.ts";
import { formatLine, isNormal, type LogLine } from "../log/moduleLog.ts";
import { gone, printJson } from "./call.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand, plainCommand, wholeNumber } from "./groups.ts";

interface LogOptions extends ModuleOptions {
	number: string;
	all?: boolean;
	language?: string;
}

const mostLines = 100_000;

export function logs(program: Command, context: Context): void {
	logOptions(
		moduleCommand(program, "log", "print the last messages of a module", ["log -m mirror", "log -m mirror -A -s 50"]),
		"300",
	).action((options: LogOptions) => {
		const lines = read(context, options);
		if (options.json) printJson(context.call, { module: options.module ?? context.call.module, lines });
		else for (const line of lines) context.call.out(`${formatLine(line)}\n`);
	});
	logOptions(
		moduleCommand(program, "logview", "print messages as they come, until Ctrl-C", ["logview -m mirror -A"]),
		"20",
	)
		.option("-I, --information", "the same as -A")
		.action((options: LogOptions & { information?: boolean }) => view(context, options));
	logOptions(
		moduleCommand(program, "logsave <file>", "write the log of a module into a file", [
			"logsave -m mirror -A /tmp/mirror.txt",
		]),
		String(mostLines),
	).action((file: string, options: LogOptions) => save(context, file, options));
	for (const [name, level, what] of [
		["printe", "E", "an event, for everyone"],
		["printi", "I", "information, in the verbose log only"],
		["printw", "W", "a warning, in the verbose log only"],
	] as const) {
		moduleCommand(program, `${name} [text...]`, `write into the log of a module: ${what}`, [
			`${name} -m mirror "my message"`,
		])
			.allowUnknownOption()
			.action((words: string[], options: ModuleOptions) => {
				// Nothing on stdout: scripts call this inside functions whose output is their value (spec/09 §5).
				findModule(context, options).write(
					context.call.module === undefined ? "safekit" : "userplug",
					level,
					words.join(" "),
				);
			});
	}
	plainCommand(program, "cmdlog", "print the log of all commands given on this server", ["cmdlog -s 50"])
		.option("-s, --number <n>", "how many lines", "300")
		.action((options: { number: string; json?: boolean }) => {
			const lines = context.node.commandLog.last(wholeNumber("-s", options.number, 1, mostLines));
			if (options.json) printJson(context.call, { lines });
			else for (const line of lines) context.call.out(`${formatCommand(line)}\n`);
		});
}

function logOptions(command: Command, lines: string): Command {
	return command
		.option("-s, --number <n>", "how many messages", lines)
		.option("-A, --all", "verbose: also levels I, W and D")
		.option("-l, --language <code>", "accepted for compatibility; messages are in English");
}

function read(context: Context, options: LogOptions): LogLine[] {
	const count = wholeNumber("-s", options.number, 1, mostLines);
	return findModule(context, options).log.last(count, options.all === true);
}

async function view(context: Context, options: LogOptions & { information?: boolean }): Promise<void> {
	const all = options.all === true || options.information === true;
	const module = findModule(context, options);
	const print = (line: LogLine): void => {
		if (!all && !isNormal(line.level)) return;
		context.call.out(options.json ? `${JSON.stringify(line)}\n` : `${formatLine(line)}\n`);
	};
	for (const line of read(context, { ...options, all })) print(line);
	const stop = module.log.follow(print);
	await gone(context.call.signal);
	stop();
}

function save(context: Context, file: string, options: LogOptions): void {
	if (!isAbsolute(file)) throw new SafekitError("USAGE", `'${file}' is not an absolute path.`);
	const lines = read(context, options);
	try {
		writeFileSync(file, lines.map((line) => `${formatLine(line)}\n`).join(""), { mode: 0o600 });
	} catch (error) {
		throw new SafekitError("CLI_FILE", `The log was not written: ${(error as Error).message}`, { cause: error });
	}
	if (options.json) printJson(context.call, { file, lines: lines.length });
}
