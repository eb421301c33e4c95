/** Commands that change what a module does: start, stop, swap, prim … (spec/04 §3). */
import type { Command } from "commander";
import type { CommandName, Step } from "../engine/contract.ts";
import { type ErrorCode, errors, SafekitError } from "../errors.ts";
import { printJson } from "./call.ts";
import type { ModuleControl, Order, Refused } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand } from "./groups.ts";

interface ActionOptions extends ModuleOptions {
	identity?: string;
}

/** How long a person's command waits to hear that it is refused; the action itself goes on in the background. */
const answerWithinMs = 5000;
const texts: Record<string, [description: string, example: string]> = {
	start: ["start a module", "start -m mirror"],
	stop: ["stop a module; the other server takes over if it can", "stop -m mirror && safekit waitstop -m mirror"],
	restart: ["stop and start the application only, the module stays", "restart -m mirror"],
	stopstart: ["stop the module and start it again; a primary hands over", "stopstart -m mirror"],
	forcestop: ["stop when stop has no effect: kills the running script", "forcestop -m mirror"],
	swap: ["primary and secondary exchange their roles", "swap -m mirror"],
	prim: ["start as primary with the data of this server", "prim -m mirror"],
	second: ["start as secondary, refused without a primary", "second -m mirror"],
	primforce: ["start as primary even with half-copied data", "primforce -m mirror"],
};

/** Options of -i: who asks. Counts for maxloop (spec/01 §6). */
const withIdentity = new Set(["restart", "stop", "stopstart", "swap"]);

export function actions(program: Command, context: Context): void {
	for (const [name, [description, example]] of Object.entries(texts)) {
		const words = name === "swap" ? " [nosync]" : name === "prim" || name === "second" ? " [fullsync]" : "";
		const command = moduleCommand(program, `${name}${words}`, description, [example, `${name} -m mirror --dry-run`]);
		command.option("--dry-run", "say what would be done, change nothing");
		if (withIdentity.has(name))
			command.option("-i, --identity <name>", "script or checker that asks; counts for maxloop");
		command.action(async (word: string | ActionOptions, options: ActionOptions | Command) => {
			const given = words === "" ? undefined : (word as string | undefined);
			const chosen = (words === "" ? word : options) as ActionOptions;
			await give(context, chosen, orderOf(name as CommandName, given, chosen, context));
		});
	}
	secondForceCommand(program, context);
	shutdownCommand(program, context);
}

/** YYYY-MM-DD[Z], "YYYY-MM-DD hh:mm:ss[Z]", YYYY-MM-DDThh:mm:ss[Z] (spec/04 §3). */
const dateShape = /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2})?Z?$/;

/**
 * Files older than the date need no copying, says who gives it. Their names and attributes are compared all the same,
 * and what differs in them is copied.
 */
function secondForceCommand(program: Command, context: Context): void {
	moduleCommand(program, "secondforce", "start as secondary with a copy that has all that was changed before a date", [
		"secondforce -m mirror -d 2026-01-31",
	])
		.requiredOption("-d, --date <date>", "YYYY-MM-DD[Z] or YYYY-MM-DDThh:mm:ss[Z]; without Z in this server's time")
		.option("--dry-run", "say what would be done, change nothing")
		.action(async (options: ActionOptions & { date: string }) => {
			const sinceMs = dateOf(options.date);
			const { data } = findModule(context, options);
			if (!options.dryRun) await data?.sync.since(sinceMs);
			try {
				await give(context, options, { command: "second", who: context.call.who, fullsync: true });
			} catch (error) {
				if (!options.dryRun) await data?.sync.since(null);
				throw error;
			}
		});
}

/** In milliseconds since the epoch. @throws SafekitError USAGE. */
function dateOf(text: string): number {
	const [date = "", time = "00:00:00"] = text.replace("Z", "").split(/[ T]/);
	const ms = dateShape.test(text) ? Date.parse(`${date}T${time}${text.endsWith("Z") ? "Z" : ""}`) : Number.NaN;
	if (Number.isNaN(ms))
		throw new SafekitError("USAGE", `'${text}' is no date; expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ss.`);
	if (ms > Date.now() || ms <= 0) throw new SafekitError("USAGE", `${text} is not in the past.`);
	return ms;
}

function orderOf(command: CommandName, word: string | undefined, options: ActionOptions, context: Context): Order {
	if (word !== undefined && word !== "nosync" && word !== "fullsync") {
		throw new SafekitError("USAGE", `'${word}' means nothing after ${command}.`);
	}
	if (word !== undefined && (command === "swap") !== (word === "nosync")) {
		throw new SafekitError("USAGE", `'${word}' means nothing after ${command}.`);
	}
	return {
		command,
		who: options.identity ?? context.call.who,
		...(options.identity === undefined ? {} : { identity: options.identity }),
		...(word === "nosync" ? { nosync: true } : {}),
		...(word === "fullsync" ? { fullsync: true } : {}),
	};
}

/** Gives an order to a module, or says what it would do. */
export async function give(context: Context, options: ActionOptions, order: Order): Promise<void> {
	const module = findModule(context, options);
	if (options.dryRun) return showRehearsal(context, options, module, order);
	const refused = await giveAndHear(context, module, order);
	if (refused !== null) throw refusal(refused);
	if (options.json) printJson(context.call, { module: module.configuration.module, command: order.command, ok: true });
}

/**
 * Gives an order and waits to hear whether it is refused. Whoever calls from inside the module does not wait at all:
 * the answer may come only when the calling script has ended.
 */
export async function giveAndHear(context: Context, module: ModuleControl, order: Order): Promise<Refused | null> {
	const { answered, refusedAtOnce } = module.command(order);
	const inside = order.identity !== undefined || context.node.isInsideScript(module, context.call.pid);
	if (inside) return refusedAtOnce();
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<null>((resolve) => {
		timer = setTimeout(resolve, answerWithinMs, null);
	});
	try {
		return await Promise.race([answered, late]);
	} finally {
		clearTimeout(timer);
	}
}

/** The automaton's refusal as an error; a code that is not registered becomes the general one. */
export function refusal(refused: Refused): SafekitError {
	const code = refused.code in errors ? (refused.code as ErrorCode) : "NODE_REFUSED";
	return new SafekitError(code, refused.message, { remedy: refused.remedy });
}

function showRehearsal(context: Context, options: ActionOptions, module: ModuleControl, order: Order): void {
	const { refused, steps } = module.rehearse(order);
	if (refused !== null) throw refusal(refused);
	const said = steps.map(describe);
	if (options.json) {
		printJson(context.call, { module: module.configuration.module, dryRun: true, steps: said });
		return;
	}
	const { main, status } = module.view();
	context.call.out(
		`${order.command} in state ${main} ${status} would ${said.length === 0 ? "run no step now" : "begin with"}\n`,
	);
	for (const step of said) context.call.out(`  ${step}\n`);
}

function describe(step: Step): string {
	switch (step.do) {
		case "script":
			return `script ${step.script}${step.force ? " force" : ""} ${step.from} ${step.to} ${step.action}`;
		case "vip":
			return step.set ? "set the virtual addresses" : "remove the virtual addresses";
		case "traffic":
			return step.open ? "take this server's share of the clients" : "give this server's clients to the others";
		case "announceVip":
			return "announce the virtual addresses again";
		case "checkers":
			return `${step.enable ? "start" : "stop"} checkers of class ${step.class}`;
		case "replication":
			return `replication: ${step.order.order}`;
		case "log":
			return `log: ${step.text}`;
	}
}

/** Stops every module and waits for it: what the service unit runs when the server goes down (spec/01 M27). */
function shutdownCommand(program: Command, context: Context): void {
	program
		.command("shutdown")
		.description("stop all running modules and wait until they have stopped")
		.option("--json", "print one JSON object on stdout")
		.option("--dry-run", "say which modules would be stopped")
		.addHelpText("after", "\nExamples:\n  safekit shutdown\n")
		.action(async (options: ModuleOptions) => {
			const running = context.node.modules().filter((module) => module.view().main !== "STOP");
			const names = running.map((module) => module.configuration.module);
			if (!options.dryRun) {
				context.node.shutDown();
				for (const module of running) module.command({ command: "shutdown", who: context.call.who });
				await Promise.all(running.map((module) => stopped(module, context.call.signal)));
			}
			if (options.json) printJson(context.call, { stopped: names, dryRun: options.dryRun === true });
			else if (options.dryRun)
				context.call.out(names.map((name) => `would stop ${name}\n`).join("") || "no module runs\n");
		});
}

function stopped(module: ModuleControl, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const look = (): void => {
			const { main } = module.view();
			if ((main === "STOP" && module.idle) || signal.aborted) {
				stop();
				resolve();
			}
		};
		const stop = module.watch(look);
		signal.addEventListener("abort", look, { once: true });
		look();
	});
}
