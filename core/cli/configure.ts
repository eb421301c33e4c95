/** `config`, `deconfig`, `confcheck`, `confinfo` (spec/04 §5). */
import type { Command } from "commander";
import { type Problem, SafekitError } from "../errors.ts";
import { problemAsText } from "../log/errorTexts.ts";
import { configurationInfo, readConfiguration } from "../module/active.ts";
import {
	type Configured,
	type ConfigureOptions,
	checkConfiguration,
	configureModule,
	deconfigureModule,
	type Hook,
} from "../module/configure.ts";
import { keptConfiguration, keptConfigurationsOf, restoreFiles } from "../module/history.ts";
import { idOf } from "../module/registry.ts";
import { printJson, table } from "./call.ts";
import type { ModuleControl } from "./control.ts";
import { type Context, type ModuleOptions, moduleCommand, moduleName, wholeNumber } from "./groups.ts";
import { runUpdate } from "./resources.ts";

interface ConfigOptions extends ModuleOptions {
	list?: boolean;
	restore?: string;
}

export function configure(program: Command, context: Context): void {
	moduleCommand(program, "config", "apply $SAFE/modules/NAME: userconfig.xml and scripts", [
		"config -m mirror",
		"config -m mirror --list",
		"config -m mirror --restore 2",
	])
		.option("--list", "the last three configurations that were applied; 1 is the newest")
		.option("--restore <number>", "bring one of them back, with its scripts, and apply it")
		.option("--dry-run", "check only, as confcheck, and whether it can be applied now")
		.action((options: ConfigOptions) => {
			if (options.list) return listKept(context, options);
			if (options.restore !== undefined) return restore(context, options, options.restore);
			return options.dryRun ? dryRun(context, options) : config(context, options);
		});
	moduleCommand(program, "deconfig", "remove what is in force of a stopped module, keep what you edit", [
		"deconfig -m mirror",
	])
		.option("--dry-run", "say what would be done, change nothing")
		.action((options: ModuleOptions) => deconfig(context, options));
	moduleCommand(program, "confcheck", "say what is wrong, apply nothing", ["confcheck -m mirror"]).action(
		(options: ModuleOptions) => confcheck(context, options),
	);
	moduleCommand(program, "confinfo", "signature and date of what is in force and of what you edited", [
		"confinfo -m mirror",
	]).action((options: ModuleOptions) => confinfo(context, options));
}

/** Scripts of the configuration speak to the person who waits: their output is that person's only explanation. */
function hookFor(context: Context): Hook {
	return (script, configuration) => context.node.runHook(configuration, script, (text) => context.call.err(text));
}

async function config(context: Context, options: ModuleOptions): Promise<void> {
	const name = moduleName(context, options);
	tellApplied(context, name, await apply(context, name), options);
}

/** What `config` says in the end. */
export function tellApplied(context: Context, name: string, done: Configured, options: ModuleOptions): void {
	tell(context, done.warnings);
	if (options.json) printJson(context.call, { module: name, signature: done.signature, warnings: done.warnings });
	else context.call.out(`Module ${name} is configured (${done.signature})\n`);
}

/**
 * Puts `$SAFE/modules/NAME` in force: of a module that runs only what may change meanwhile (spec/04 §5). `put`: another
 * way that ends in the same.
 */
export async function apply(
	context: Context,
	name: string,
	put = (options: ConfigureOptions): Promise<Configured> => configureModule(context.node.paths, name, options),
): Promise<Configured> {
	const { node } = context;
	const common = await node.configureOptions();
	const running = runningModule(context, name);
	const done = await put({
		...common,
		hook: hookFor(context),
		...(running === null ? {} : { refuse: refusalOf(running, name) }),
	});
	if (running === null) await node.loadModule(name);
	else await node.reconfigureModule(name);
	node.forgetSettings(name);
	if (running !== null) await runUpdate(context, { module: name });
	return done;
}

async function listKept(context: Context, options: ModuleOptions): Promise<void> {
	const name = moduleName(context, options);
	const kept = await keptConfigurationsOf(context.node.paths, name);
	if (options.json) printJson(context.call, { module: name, kept });
	else if (kept.length === 0) context.call.out(`Nothing was applied yet: \`safekit config -m ${name}\` does\n`);
	else context.call.out(table(kept.map(({ number, date, file }) => [String(number), date, file])));
}

async function restore(context: Context, options: ModuleOptions, given: string): Promise<void> {
	const name = moduleName(context, options);
	const { paths } = context.node;
	const wanted = await keptConfiguration(paths, name, wholeNumber("--restore", given, 1, 1000));
	if (options.dryRun) return context.call.out(`would restore ${wanted.file} of ${wanted.date} and apply it\n`);
	const { archived, undo } = await restoreFiles(paths, name, wanted);
	const done = await apply(context, name).catch(async (error) => {
		await undo();
		throw error;
	});
	tell(context, done.warnings);
	const { date } = wanted;
	if (options.json)
		return printJson(context.call, { module: name, restored: date, archived, signature: done.signature });
	context.call.out(`Module ${name} is configured as on ${date} (${done.signature})\n`);
	if (archived !== null) context.call.out(`What was in ${paths.module(name).source} is kept in ${archived}\n`);
}

/** The module, if it is not stopped. */
function runningModule(context: Context, name: string): ModuleControl | null {
	const module = context.node.module(name);
	return module === undefined || (module.view().main === "STOP" && module.idle) ? null : module;
}

/** Throws where nothing may change now; otherwise how to refuse what needs a stop. */
function refusalOf(module: ModuleControl, name: string): (needsStop: string[]) => never {
	const { main, status } = module.view();
	const refuse = (why: string): never => {
		throw new SafekitError("CLI_CONFIG_RUNNING", `Module '${name}' is in state ${main} ${status}: ${why}`, {
			remedy: `Stop it first: \`safekit stop -m ${name}\`, then \`safekit waitstop -m ${name}\`.`,
		});
	};
	const stable = ["ALONE", "PRIM", "UP"].includes(main) ? status === "Ready" : main === "WAIT" && status === "NotReady";
	if (!stable || !module.idle) {
		refuse("a configuration is applied when it is stopped, ALONE, PRIM or UP and Ready, or WAIT NotReady.");
	}
	return (needsStop) => refuse(`nothing was changed, because these changes need a stop:\n  ${needsStop.join("\n  ")}`);
}

/** Refuses what only a stopped module allows. */
export function refuseRunning(context: Context, name: string, what: string): void {
	refuseIf(context, name, () => true, `be ${what}`);
}

/** The same where it depends on the module that runs. */
export function refuseIf(
	context: Context,
	name: string,
	judge: (module: ModuleControl) => boolean,
	what: string,
): void {
	const module = runningModule(context, name);
	if (module === null || !judge(module)) return;
	const { main, status } = module.view();
	throw new SafekitError(
		"CLI_CONFIG_RUNNING",
		`Module '${name}' is in state ${main} ${status}; it can ${what} when it is stopped.`,
		{
			remedy: `Stop it first: \`safekit stop -m ${name}\`, then \`safekit waitstop -m ${name}\`.`,
		},
	);
}

async function deconfig(context: Context, options: ModuleOptions): Promise<void> {
	const name = moduleName(context, options);
	const { paths } = context.node;
	await idOf(paths, name);
	refuseRunning(context, name, "deconfigured");
	const configured = (await readConfiguration(paths, name).catch(() => "damaged")) !== null;
	if (options.dryRun) {
		context.call.out(configured ? `would remove ${paths.module(name).active}\n` : `module ${name} is not configured\n`);
		return;
	}
	await deconfigure(context, name);
	if (options.json) printJson(context.call, { module: name, configured: false });
	else context.call.out(`Module ${name} is not configured any more; its files are in ${paths.module(name).source}\n`);
}

/** Takes a stopped module out of force and out of the daemon. */
export async function deconfigure(context: Context, name: string): Promise<void> {
	await deconfigureModule(context.node.paths, name, hookFor(context));
	await context.node.dropModule(name);
}

/** What `config` would say now, also of a module that runs. */
function dryRun(context: Context, options: ModuleOptions): Promise<void> {
	const name = moduleName(context, options);
	const running = runningModule(context, name);
	return confcheck(context, options, running === null ? {} : { refuse: refusalOf(running, name) });
}

async function confcheck(
	context: Context,
	options: ModuleOptions,
	more: Pick<ConfigureOptions, "refuse"> = {},
): Promise<void> {
	const name = moduleName(context, options);
	const common = await context.node.configureOptions();
	const problems = await checkConfiguration(context.node.paths, name, { ...common, ...more, hook: hookFor(context) });
	tell(context, problems);
	if (options.json) printJson(context.call, { module: name, ok: true, problems });
	else context.call.out(`Module ${name}: the configuration can be applied\n`);
}

async function confinfo(context: Context, options: ModuleOptions): Promise<void> {
	const name = moduleName(context, options);
	await idOf(context.node.paths, name);
	const info = await configurationInfo(context.node.paths, name);
	if (options.json) {
		printJson(context.call, { module: name, ...info });
		return;
	}
	const row = (what: string, one: typeof info.active) => [
		what,
		one?.signature ?? "-",
		one === null ? "-" : String(one.unixDate),
	];
	context.call.out(table([["", "Signature", "Date"], row("active", info.active), row("current", info.current)]));
}

function tell(context: Context, problems: readonly Problem[]): void {
	for (const problem of problems) context.call.err(problemAsText(problem));
}
