/** `config`, `deconfig`, `confcheck`, `confinfo` (spec/04 §5). */
import { join } from "node:path";
import type { Command } from "commander";
import { type Problem, SafekitError } from "../errors.ts";
import { problemAsText } from "../log/errorTexts.ts";
import { configurationInfo, readConfiguration } from "../module/active.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import { checkConfiguration, configureModule, deconfigureModule, type Hook } from "../module/configure.ts";
import { inspect, readSource, userconfigName } from "../module/inspect.ts";
import { idOf } from "../module/registry.ts";
import { printJson, table } from "./call.ts";
import type { ModuleControl } from "./control.ts";
import { type Context, type ModuleOptions, moduleCommand, moduleName } from "./groups.ts";

export function configure(program: Command, context: Context): void {
	moduleCommand(program, "config", "apply $SAFE/modules/NAME: userconfig.xml and scripts", ["config -m mirror"])
		.option("--dry-run", "check only, as confcheck")
		.action((options: ModuleOptions) => (options.dryRun ? confcheck(context, options) : config(context, options)));
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
	const common = await context.node.configureOptions();
	const running = runningModule(context, name);
	if (running !== null) await refuseUnlessScriptsOnly(context, running, name);
	const done = await configureModule(context.node.paths, name, { ...common, hook: hookFor(context) });
	if (running === null) await context.node.loadModule(name);
	else running.reconfigure(done.configuration);
	context.node.forgetSettings(name);
	tell(context, done.warnings);
	if (options.json) printJson(context.call, { module: name, signature: done.signature, warnings: done.warnings });
	else context.call.out(`Module ${name} is configured (${done.signature})\n`);
}

/** The module, if it is not stopped. */
function runningModule(context: Context, name: string): ModuleControl | null {
	const module = context.node.module(name);
	return module === undefined || (module.view().main === "STOP" && module.idle) ? null : module;
}

/** While a module runs, only its scripts and variables may change, and only in a stable state (spec/04 §5). */
async function refuseUnlessScriptsOnly(context: Context, module: ModuleControl, name: string): Promise<void> {
	const { main, status } = module.view();
	const stable = (main === "ALONE" && status === "Ready") || (main === "WAIT" && status === "NotReady");
	const refuse = (why: string): never => {
		throw new SafekitError("CLI_CONFIG_RUNNING", `Module '${name}' is in state ${main} ${status}: ${why}.`, {
			remedy: `Stop it first: \`safekit stop -m ${name}\`, then \`safekit waitstop -m ${name}\`.`,
		});
	};
	if (!stable) refuse("a configuration can be applied when it is stopped");
	const { source, sourceConf } = context.node.paths.module(name);
	const common = await context.node.configureOptions();
	const id = await idOf(context.node.paths, name);
	const file = join(sourceConf, userconfigName.slice("conf/".length));
	const next = inspect(await readSource(source), file, name, id, { ...common, purpose: "config" });
	// What is wrong with it is told by the configuration itself.
	if (next.configuration === undefined) return;
	if (fixedPart(next.configuration) !== fixedPart(module.configuration)) {
		refuse("only scripts and variables may change while it runs");
	}
}

function fixedPart(configuration: ModuleConfiguration): string {
	return JSON.stringify({ ...configuration, user: null, unsupported: null });
}

/** Refuses what only a stopped module allows. */
export function refuseRunning(context: Context, name: string, what: string): void {
	const module = runningModule(context, name);
	if (module === null) return;
	const { main, status } = module.view();
	throw new SafekitError(
		"CLI_CONFIG_RUNNING",
		`Module '${name}' is in state ${main} ${status}; it can be ${what} when it is stopped.`,
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

async function confcheck(context: Context, options: ModuleOptions): Promise<void> {
	const name = moduleName(context, options);
	const common = await context.node.configureOptions();
	const problems = await checkConfiguration(context.node.paths, name, { ...common, hook: hookFor(context) });
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
