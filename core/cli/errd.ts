/** `safekit errd`: what is watched of a module's processes and services, and the switches of it (spec/04 §3, spec/02 §9). */
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import { printJson, table } from "./call.ts";
import type { WatchControl } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand } from "./groups.ts";
import { switchSetting } from "./resources.ts";

const words = "list, enable, disable, on, off";
const switches: Readonly<Record<string, "on" | "off">> = { on: "on", off: "off", resume: "on", suspend: "off" };

export function errd(program: Command, context: Context): void {
	moduleCommand(program, "errd <word> [class]", "show and switch the monitoring of processes and services", [
		"errd list -m mirror",
		"errd enable -m mirror myclass",
		"errd off -m mirror",
	])
		.option("--dry-run", "say what would be done, change nothing")
		.addHelpText("after", `\nWords: ${words} (suspend and resume: as off and on). enable and disable take a class.\n`)
		.action(async (word: string, of: string | undefined, options: ModuleOptions) => {
			const value = switches[word];
			if ((word === "enable" || word === "disable") && of !== undefined) {
				return enable(context, options, of, word === "enable");
			}
			if (of !== undefined || (word !== "list" && value === undefined)) throw misused(word, of);
			if (value === undefined) return list(context, options);
			await switchSetting(context, options, "errd", "monitoring of processes and services", value);
		});
}

function misused(word: string, of: string | undefined): SafekitError {
	const wrong = of === undefined ? `'${word}' means nothing after errd` : `errd ${word} takes no class`;
	return new SafekitError(
		"USAGE",
		`${word === "enable" || word === "disable" ? `errd ${word} needs a class` : wrong}; expected ${words}.`,
	);
}

function list(context: Context, options: ModuleOptions): void {
	const module = findModule(context, options);
	const rows = module.watched?.view() ?? [];
	const lines = rows.map((row) => [
		row.name,
		row.service ? "service" : "process",
		row.class,
		row.enabled ? "enabled" : "disabled",
		row.action,
		row.value,
	]);
	const text = table([["Name", "Kind", "Class", "Watched", "Action", "State"], ...lines]);
	if (options.json) printJson(context.call, { module: module.configuration.module, watched: rows });
	else context.call.out(rows.length === 0 ? "no process and no service is watched\n" : text);
}

function enable(context: Context, options: ModuleOptions, of: string, on: boolean): void {
	const module = findModule(context, options);
	const { watched } = module;
	if (watched === null || !watched.classes().includes(of)) throw noClass(module.configuration.module, of, watched);
	const { main } = module.view();
	if (on && main === "STOP") {
		throw new SafekitError(
			"MODULE_NOT_STARTED",
			`Module '${module.configuration.module}' is stopped; nothing of it is watched.`,
		);
	}
	if (options.dryRun) context.call.out(`would ${on ? "enable" : "disable"} class ${of}\n`);
	else watched.enable(of, on);
	if (options.json) printJson(context.call, { module: module.configuration.module, class: of, enabled: on });
}

function noClass(module: string, of: string, watched: WatchControl | null): SafekitError {
	const classes = watched?.classes() ?? [];
	const has = classes.length === 0 ? "no <proc>" : `the classes ${classes.join(", ")}`;
	return new SafekitError("CLI_CLASS", `Module '${module}' has no class '${of}'; its <errd> has ${has}.`);
}
