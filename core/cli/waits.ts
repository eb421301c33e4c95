/** Commands that block until a module is somewhere: waitstart, waitstop, waitstate (spec/04 §3). */
import type { Command } from "commander";
import type { StateView } from "../engine/contract.ts";
import { SafekitError } from "../errors.ts";
import { printJson } from "./call.ts";
import type { ModuleControl } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand, wholeNumber } from "./groups.ts";

interface WaitOptions extends ModuleOptions {
	timeout?: string;
}
type Verdict = "wait" | "done" | SafekitError;

const states = ["STOP", "ALONE", "UP", "PRIM", "SECOND", "WAIT"];

export function waits(program: Command, context: Context): void {
	wait(program, "waitstart", "wait until a start has ended", ["waitstart -m mirror"]).action((options: WaitOptions) =>
		waitFor(context, options, "start", hasStarted),
	);
	wait(program, "waitstop", "wait until the module has stopped", ["waitstop -m mirror --timeout 600"]).action(
		(options: WaitOptions) =>
			waitFor(context, options, "stop", (view, module) => (view.main === "STOP" && module.idle ? "done" : "wait")),
	);
	wait(program, "waitstate <state>", `wait for a stable state: ${states.join(", ")}`, [
		"waitstate -m mirror PRIM",
	]).action((state: string, options: WaitOptions) => {
		if (!states.includes(state)) {
			throw new SafekitError("USAGE", `'${state}' is no state; expected one of ${states.join(", ")}.`);
		}
		return waitFor(context, options, state, (view, module) => (isStable(view, module, state) ? "done" : "wait"));
	});
}

function wait(program: Command, usage: string, description: string, examples: string[]): Command {
	return moduleCommand(program, usage, description, examples).option(
		"--timeout <seconds>",
		"give up after this time, exit code 5",
	);
}

function isStable(view: StateView, module: ModuleControl, state: string): boolean {
	if (view.main !== state) return false;
	return state === "STOP" ? module.idle : state === "WAIT" ? view.status === "NotReady" : view.status === "Ready";
}

/** A start ends in a Ready state; in WAIT NotReady or STOP it has not succeeded, and the reason is told. */
function hasStarted(view: StateView, module: ModuleControl): Verdict {
	if (view.status === "Ready") return "done";
	if (view.main === "WAIT" && view.status === "NotReady" && module.idle) {
		return new SafekitError("CLI_NOT_STARTED", `The module waits: ${view.why}`);
	}
	if (view.main === "STOP" && module.idle)
		return new SafekitError("CLI_NOT_STARTED", `The module is stopped. ${view.why}`);
	return "wait";
}

async function waitFor(
	context: Context,
	options: WaitOptions,
	what: string,
	judge: (view: StateView, module: ModuleControl) => Verdict,
): Promise<void> {
	const module = findModule(context, options);
	const name = module.configuration.module;
	if (context.node.isInsideScript(module, context.call.pid)) {
		throw new SafekitError(
			"CLI_WAIT_INSIDE",
			`A script of module '${name}' cannot wait for the module: it would wait for its own end.`,
		);
	}
	const timeoutMs =
		options.timeout === undefined ? null : wholeNumber("--timeout", options.timeout, 0, 1_000_000) * 1000;
	const verdict = await settle(context, module, judge, timeoutMs);
	if (verdict === "timeout") {
		const { main, status, why } = module.view();
		throw new SafekitError(
			"CLI_TIMEOUT",
			`Module '${name}' is in state ${main} ${status} (${what} was waited for). ${why}`,
		);
	}
	if (verdict instanceof SafekitError) throw verdict;
	if (options.json) printJson(context.call, { module: name, state: module.view().main, status: module.view().status });
}

function settle(
	context: Context,
	module: ModuleControl,
	judge: (view: StateView, module: ModuleControl) => Verdict,
	timeoutMs: number | null,
): Promise<Verdict | "timeout"> {
	return new Promise((resolve) => {
		let timer: NodeJS.Timeout | undefined;
		const end = (verdict: Verdict | "timeout"): void => {
			clearTimeout(timer);
			unwatch();
			resolve(verdict);
		};
		const look = (): void => {
			const verdict = context.call.signal.aborted ? "done" : judge(module.view(), module);
			if (verdict !== "wait") end(verdict);
		};
		const unwatch = module.watch(look);
		context.call.signal.addEventListener("abort", look, { once: true });
		if (timeoutMs !== null) timer = setTimeout(end, timeoutMs, "timeout");
		look();
	});
}
