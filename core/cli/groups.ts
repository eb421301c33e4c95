/** What every group of commands uses: the caller, the node, and how a command finds its module. */
import { isAbsolute, resolve } from "node:path";
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import type { Call } from "./call.ts";
import type { ModuleControl, NodeControl } from "./control.ts";

/** What a command has at hand. `node` is null where only help is printed. */
export interface Context {
	call: Call;
	/** Throws when the command runs without the daemon. */
	node: NodeControl;
	/** Exit code of a command that ends without an error. */
	exit: number;
}

export type Group = (program: Command, context: Context) => void;

/** Options that commands of modules share. */
export interface ModuleOptions {
	module?: string;
	json?: boolean;
	dryRun?: boolean;
}

/** A command with `-m` and `--json`, and examples at the end of its help. */
export function moduleCommand(program: Command, usage: string, description: string, examples: string[]): Command {
	return program
		.command(usage)
		.description(description)
		.option("-m, --module <name>", "the module (default: $SAFEMODULE)")
		.option("--json", "print one JSON object on stdout")
		.addHelpText("after", exampleText(examples));
}

/** A command without module. */
export function plainCommand(program: Command, usage: string, description: string, examples: string[]): Command {
	return program
		.command(usage)
		.description(description)
		.option("--json", "print one JSON object on stdout")
		.addHelpText("after", exampleText(examples));
}

/** A group of commands says which words it has, when it is given none or one that it does not know. */
export function needsWord(group: Command): void {
	group.argument("[word]").action((word: string | undefined) => {
		const wrong =
			word === undefined ? `\`${group.name()}\` needs a word` : `'${word}' means nothing after ${group.name()}`;
		const words = group.commands.map((command) => command.name());
		const last = words.pop();
		throw new SafekitError("USAGE", `${wrong}; expected ${words.join(", ")} or ${last}.`);
	});
}

function exampleText(examples: string[]): string {
	return `\nExamples:\n${examples.map((example) => `  safekit ${example}\n`).join("")}`;
}

/** The name given with -m, else SAFEMODULE. */
export function moduleName(context: Context, options: { module?: string }): string {
	const name = options.module ?? context.call.module;
	if (!name) throw new SafekitError("CLI_MODULE", "The command needs the name of a module.");
	return name;
}

/** The configured module that a command speaks of. */
export function findModule(context: Context, options: { module?: string }): ModuleControl {
	const name = moduleName(context, options);
	const found = context.node.module(name);
	if (found === undefined) {
		const failure = context.node.failure(name);
		if (failure !== undefined) throw failure;
		throw new SafekitError("MODULE_NOT_CONFIGURED", `Module '${name}' is not configured on this server.`, {
			remedy: `Apply its configuration with \`safekit config -m ${name}\`; \`safekit module list\` shows what is installed.`,
		});
	}
	return found;
}

/** A whole number from an option, with its limits. */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
	const value = Number(text);
	if (!/^\d{1,12}$/.test(text) || value < least || value > most) {
		throw new SafekitError("USAGE", `${name} is '${text}'; expected a whole number from ${least} to ${most}.`);
	}
	return value;
}

/** A path as the caller means it: the daemon has another working directory. */
export function inFolder(context: Context, file: string): string {
	return isAbsolute(file) ? file : resolve(context.call.cwd, file);
}
