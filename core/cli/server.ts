/** Commands of the server itself: boot, level, update, -p (spec/04 §1). */
import { hostname, release, type } from "node:os";
import type { Command } from "commander";
import { coreVersion } from "../engine/version.ts";
import { SafekitError } from "../errors.ts";
import { printJson, table } from "./call.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand } from "./groups.ts";
import { runUpdate } from "./resources.ts";

export function server(program: Command, context: Context): void {
	moduleCommand(program, "boot [word]", "whether a module is started with the server: on, off, status", [
		"boot status",
		"boot on -m mirror",
	])
		.option("--dry-run", "say what would be done, change nothing")
		.action((word: string | undefined, options: ModuleOptions) => boot(context, word ?? "status", options));
	moduleCommand(program, "level", "print versions and licence; with a module also its own level script", [
		"level",
		"level -m mirror",
	]).action((options: ModuleOptions) => level(context, options));
	moduleCommand(program, "update", "read names and addresses again and run the module's update script", [
		"update -m mirror",
	])
		.option("--dry-run", "say what would be done, change nothing")
		.action((options: ModuleOptions) => update(context, options));
}

function boot(context: Context, word: string, options: ModuleOptions): void {
	if (/^(web|snmp)(on|off|status)$/.test(word)) {
		throw new SafekitError(
			"CLI_LATER",
			word.startsWith("web")
				? `boot ${word}: the web service always starts with the daemon.`
				: `boot ${word}: this version has no SNMP agent.`,
		);
	}
	if (word === "status") {
		bootStatus(context, options);
		return;
	}
	if (word !== "on" && word !== "off")
		throw new SafekitError("USAGE", `'${word}' means nothing after boot; expected on, off or status.`);
	const module = findModule(context, options);
	const name = module.configuration.module;
	if (options.dryRun) {
		context.call.out(`would switch the start of ${name} at boot ${word}\n`);
		return;
	}
	context.node.setBootFlag(name, word === "on");
	const { boot: attribute } = module.configuration;
	if (attribute !== "ignore") {
		context.call.err(`Note: the flag has no effect while <service boot="${attribute}"> is in userconfig.xml.\n`);
	}
	if (options.json) printJson(context.call, { module: name, boot: word });
}

function bootStatus(context: Context, options: ModuleOptions): void {
	const modules = options.module === undefined ? context.node.modules() : [findModule(context, options)];
	const rows = modules.map(({ configuration: { module, boot: attribute } }) => {
		const flag = context.node.bootFlag(module) ? "on" : "off";
		return { module, boot: attribute === "ignore" ? flag : attribute, attribute };
	});
	if (options.json) printJson(context.call, { modules: rows });
	else context.call.out(table(rows.map((row) => [row.module, row.boot])));
}

async function level(context: Context, options: ModuleOptions): Promise<void> {
	const lines = {
		Host: hostname(),
		OS: `${type()} ${release()}`,
		SafeKit: coreVersion,
		License: "Apache-2.0, no key needed",
	};
	if (options.json)
		printJson(context.call, { host: lines.Host, os: lines.OS, version: coreVersion, license: lines.License });
	else for (const [name, value] of Object.entries(lines)) context.call.out(`${name}: ${value}\n`);
	if (options.module === undefined && context.call.module === undefined) return;
	await findModule(context, options).runScript("level", [], (text) => context.call.out(text));
}

async function update(context: Context, options: ModuleOptions): Promise<void> {
	const module = findModule(context, options);
	const { main, status } = module.view();
	if (!((main === "UP" || main === "ALONE") && status === "Ready")) {
		throw new SafekitError(
			"CLI_UPDATE_STATE",
			`Module '${module.configuration.module}' is in state ${main} ${status}; an update needs UP or ALONE, Ready.`,
		);
	}
	if (options.dryRun) return context.call.out(`would run the update script of ${module.configuration.module}\n`);
	await runUpdate(context, options);
	if (options.json) printJson(context.call, { module: module.configuration.module, updated: true });
}
