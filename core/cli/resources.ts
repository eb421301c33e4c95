/** Commands that read and set resources and settings of a module (spec/04 §3). */
import type { Command } from "commander";
import { isLoopReached } from "../engine/maxloop.ts";
import { SafekitError } from "../errors.ts";
import { formatUs } from "../log/clock.ts";
import { give } from "./actions.ts";
import { printJson, table } from "./call.ts";
import type { ModuleControl } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand } from "./groups.ts";

interface GetOptions extends ModuleOptions {
	resource: string;
	history?: boolean;
}

interface SetOptions extends ModuleOptions {
	resource: string;
	value: string;
	history: boolean;
	log?: boolean;
	identity?: string;
}

/** Classes that belong to the product itself: a script that set them would tell the automaton a lie. */
const internal = /^(state|usersetting|heart|heartbeat|rfs|splitbrain)\./;
/** Except those with which a person lets something through (spec/06 §4). */
const forPersons = new Set(["rfs.syncat"]);
const shape = /^[A-Za-z][\w-]{0,31}\.[^\s=]{1,128}$/;
const valueLimit = 200;
/** Lines of `get --history`. */
const historyLines = 100;

export function resources(program: Command, context: Context): void {
	moduleCommand(program, "get", "print the value of a resource", [
		"get -m mirror -r custom.mycheck",
		"get -m mirror -r remote.custom.mycheck",
		"get -m mirror -r tcp.web --history",
	])
		.requiredOption("-r, --resource <name>", "the resource, class.id")
		.option("--history", "its last values with their dates, the newest last")
		.action((options: GetOptions) => get(context, options));
	moduleCommand(program, "set", "set a resource; an equal value leaves no trace", [
		"set -m mirror -r custom.mycheck -v down -i mycheck",
		"set -m mirror -r rfs.syncat -v up",
	])
		.requiredOption("-r, --resource <name>", "the resource, class.id")
		.requiredOption("-v, --value <value>", "up, down, init, unknown, or another word")
		.option("-n, --no-history", "keep the change out of the history")
		.option("-l, --log", "write into the history even if the value is equal")
		.option("-i, --identity <name>", "who sets it, for the log")
		.action((options: SetOptions) => set(context, options));
	loopCommands(program, context);
	setting(program, context, "failover", "automatic failover");
	setting(program, context, "checker", "all checkers");
}

/** The counter of error-driven actions, for handlers that act themselves (spec/01 §6). */
function loopCommands(program: Command, context: Context): void {
	for (const [name, what] of [
		["incloop", "count one more error; exit code 1 beyond maxloop"],
		["resetloop", "set the counter of errors to 0"],
	] as const) {
		moduleCommand(program, name, what, [`${name} -m mirror -i myhandler`])
			.option("-i, --identity <name>", "the handler")
			.action((options: ModuleOptions & { identity?: string }) => {
				const { call } = context;
				const who = options.identity ?? call.who;
				return give(context, options, { command: name, who });
			});
	}
	moduleCommand(program, "checkloop", "exit code 1 if more than maxloop errors were counted within loop_interval", [
		"checkloop -m mirror",
	]).action((options: ModuleOptions) => {
		const module = findModule(context, options);
		const { module: name, maxloop } = module.configuration;
		const { loop } = module.view();
		const reached = isLoopReached(loop, Date.now(), module.configuration);
		if (reached) context.exit = 1;
		if (options.json) printJson(context.call, { module: name, count: loop.count, maxloop, reached });
	});
}

/** What is known of the other server's resources; nothing while it is not heard. */
export function remoteResources(module: ModuleControl): Record<string, string> {
	return module.view().peer.state === "UNKNOWN" ? {} : module.peerResources;
}

function get(context: Context, options: GetOptions): void {
	const module = findModule(context, options);
	const remote = options.resource.startsWith("remote.");
	const found = remote ? undefined : module.resources.get(options.resource);
	const heard = module.view().peer.state !== "UNKNOWN";
	const theirs = heard ? module.peerResources[options.resource.slice("remote.".length)] : "unknown";
	const value = remote ? theirs : found?.value;
	if (value === undefined) {
		throw new SafekitError(
			"CLI_RESOURCE",
			`Module '${module.configuration.module}' has no resource '${options.resource}'.`,
		);
	}
	const date = found === undefined ? {} : { date: formatUs(found.us), by: found.by };
	const history = options.history && !remote ? historyOf(module, options.resource) : undefined;
	if (options.json) {
		printJson(context.call, {
			resource: options.resource,
			value,
			...date,
			...(history === undefined ? {} : { history }),
		});
	} else if (history === undefined) context.call.out(`${value}\n`);
	else context.call.out(table(history.map((one) => [one.date.slice(0, 19), one.value, one.by])));
}

/** The newest assignments, oldest first. */
function historyOf(module: ModuleControl, resource: string): { date: string; value: string; by: string }[] {
	return module.resources
		.history(resource, historyLines)
		.map(({ us, value, by }) => ({ date: formatUs(us), value, by }));
}

function set(context: Context, options: SetOptions): void {
	const module = findModule(context, options);
	const { resource, value } = options;
	if (!shape.test(resource))
		throw new SafekitError("USAGE", `'${resource}' is no resource; expected class.id, as in custom.mycheck.`);
	if (internal.test(resource) && !forPersons.has(resource)) {
		throw new SafekitError("CLI_RESOURCE_INTERNAL", `Resource '${resource}' is set by the product itself.`);
	}
	if (value === "" || value.length > valueLimit || /[\r\n]/.test(value)) {
		throw new SafekitError("USAGE", `A value is one line of 1 to ${valueLimit} characters.`);
	}
	if (!module.resources.accepts(resource)) {
		throw new SafekitError("CLI_RESOURCE_LIMIT", `Module '${module.configuration.module}' has too many resources.`);
	}
	const history = options.log ? "force" : options.history ? "auto" : "none";
	module.setResource(resource, value, options.identity ?? context.call.who, history);
	if (options.json) printJson(context.call, { resource, value });
}

/** `failover|checker on|off`. */
function setting(program: Command, context: Context, name: "failover" | "checker", what: string): void {
	moduleCommand(program, `${name} <on|off>`, `switch ${what} on or off`, [`${name} off -m mirror`])
		.option("--dry-run", "say what would be done, change nothing")
		.action(async (word: string, options: ModuleOptions) => {
			if (word !== "on" && word !== "off") {
				throw new SafekitError("USAGE", `'${word}' means nothing after ${name}; expected on|off.`);
			}
			await switchSetting(context, options, name, what, word);
		});
}

/** Kept across stop and start, until the opposite or a new configuration. */
export async function switchSetting(
	context: Context,
	options: ModuleOptions,
	name: "failover" | "checker" | "errd",
	what: string,
	value: "on" | "off",
): Promise<void> {
	const module = findModule(context, options);
	if (options.dryRun) {
		context.call.out(`would switch ${what} of ${module.configuration.module} ${value}\n`);
		return;
	}
	if (name === "failover") {
		const order = { command: "failover", who: context.call.who, on: value === "on" } as const;
		await give(context, { ...options, json: false }, order);
	}
	module.setResource(`usersetting.${name}`, value, context.call.who, "auto");
	await runUpdate(context, options);
	if (options.json) printJson(context.call, { module: module.configuration.module, [name]: value });
}

/** The module's `update` script, with the state twice and the action (spec/03 §1), if the module runs. */
export async function runUpdate(context: Context, options: ModuleOptions): Promise<void> {
	const module = findModule(context, options);
	const { main } = module.view();
	if (main === "STOP") return;
	await module.runScript("update", [main, main, "update"], (text) => context.call.err(text));
}
