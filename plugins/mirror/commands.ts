/** What persons, scripts and checkers may order (spec/04 §3). A command waits for the running plan to end. */
import {
	beginCommand,
	type CommandEvent,
	exceedsLoop,
	keepCommand,
	loopWhy,
	refuseCommand,
	restartSteps,
	setLoop,
} from "../../sdk/index.ts";
import type { Context } from "./context.ts";
import { beginStart, beginStop } from "./passages.ts";
import { beginSwap, hasSecondary } from "./primary.ts";

/** Takes a command in: carries out what cannot wait, and remembers one that can. */
export function takeCommand(ctx: Context, event: CommandEvent): undefined {
	if (event.command === "failover") return setFailover(ctx, event);
	if (event.command === "incloop" || event.command === "resetloop") return setLoop(ctx, event);
	beginCommand(ctx, event);
	if (event.command === "forcestop") return forceStop(ctx, event);
	return keepCommand(ctx, event);
}

function setFailover(ctx: Context, event: CommandEvent): undefined {
	ctx.s.failover = event.on ?? true;
	if (ctx.s.failover) ctx.s.failoverHeld = false;
	ctx.resource("usersetting.failover", ctx.s.failover ? "on" : "off");
	ctx.answer(event.request);
}

/** M26: whatever runs is killed; only the forced stops are run. */
function forceStop(ctx: Context, event: CommandEvent): undefined {
	const { s } = ctx;
	ctx.answer(event.request);
	s.next = null;
	if (s.phase === "stopped") return;
	if (s.stopping === null) return beginStop(ctx, { again: false, action: "stop", stage: "stop" });
	const stage = s.plan?.kind === "stop" || s.plan?.kind === "cleanUp" ? "clean" : "stop";
	s.stopping = { again: false, action: "stop", stage };
	if (s.plan !== null) ctx.effects.push({ type: "abortPlan", plan: s.plan.number });
}

/** Carries the remembered command out; no plan runs now. True if it began something. */
export function actCommand(ctx: Context): boolean {
	const { s } = ctx;
	const event = s.next;
	if (event === null) return false;
	s.next = null;
	switch (event.command) {
		case "start":
			return start(ctx, event, "start");
		case "prim":
		case "primforce":
		case "second":
			return startAs(ctx, event, event.command);
		case "stop":
		case "shutdown":
			return stop(ctx, event, false);
		case "stopstart":
			return stop(ctx, event, true);
		case "restart":
			return restart(ctx, event);
		case "swap":
			return swap(ctx, event);
		default:
			return false;
	}
}

function start(ctx: Context, event: CommandEvent, goal: "start" | "prim" | "primforce" | "second"): boolean {
	const { s } = ctx;
	if (s.phase !== "stopped") {
		// A start of what is started is no error: scripts call it to be sure.
		ctx.answer(event.request);
		s.held = null;
		return false;
	}
	s.goal = goal;
	s.held = null;
	if (goal === "start") ctx.answer(event.request);
	else s.request = event.request ?? null;
	s.fullsync = event.fullsync === true ? (goal === "second" ? "take" : "give") : null;
	beginStart(ctx, "start");
	return true;
}

/** prim, primforce and second also take up a module that waits (spec/10: "run safekit prim to force start"). */
function startAs(ctx: Context, event: CommandEvent, goal: "prim" | "primforce" | "second"): boolean {
	const { s } = ctx;
	if (s.phase === "stopped") return start(ctx, event, goal);
	if (s.phase !== "waiting") {
		refuseCommand(
			ctx,
			event,
			"MODULE_STARTED",
			`${goal} is for a module that is stopped or waits; this one is ${s.main}`,
		);
		return false;
	}
	s.goal = goal;
	s.held = null;
	s.request = event.request ?? null;
	s.fullsync = event.fullsync === true ? (goal === "second" ? "take" : "give") : null;
	return true;
}

function stop(ctx: Context, event: CommandEvent, again: boolean): boolean {
	const { s } = ctx;
	ctx.answer(event.request);
	if (s.phase === "stopped") {
		if (!again) return false;
		s.goal = "start";
		beginStart(ctx, "start");
		return true;
	}
	if (again && tooManyErrors(ctx, event)) return true;
	if (again && event.identity !== undefined && s.config.automaticReboot) {
		ctx.effects.push({ type: "reboot" });
		return false;
	}
	s.failoverHeld = false;
	const by = event.identity === undefined || again ? {} : { why: `Stopped by ${event.identity}: see the log` };
	beginStop(ctx, { again, action: again ? "stopstart" : "stop", ...by });
	return true;
}

function restart(ctx: Context, event: CommandEvent): boolean {
	const { s } = ctx;
	const { main } = s;
	if (main !== "ALONE" && main !== "PRIM" && main !== "SECOND") {
		refuseCommand(ctx, event, "MODULE_NOT_STARTED", `Nothing to restart: the module is ${main}`);
		return false;
	}
	ctx.answer(event.request);
	if (tooManyErrors(ctx, event)) return true;
	ctx.plan("restart", restartSteps(main, event.services));
	return true;
}

function swap(ctx: Context, event: CommandEvent): boolean {
	const { s } = ctx;
	if (s.phase !== "primary" || s.main !== "PRIM" || !hasSecondary(s) || s.loss !== null || s.degraded) {
		refuseCommand(ctx, event, "SWAP_NOT_POSSIBLE", `No swap: the module is ${s.main} (${s.status}) here`);
		return false;
	}
	ctx.answer(event.request);
	return beginSwap(ctx);
}

/** M25: only what a checker or script caused counts. */
function tooManyErrors(ctx: Context, event: CommandEvent): boolean {
	return event.identity !== undefined && countsAsError(ctx);
}

/** Counts one more action that an error caused; over the limit the module stops. True if it does. */
export function countsAsError(ctx: Context): boolean {
	if (!exceedsLoop(ctx)) return false;
	beginStop(ctx, { again: false, action: "stop", why: loopWhy(ctx.s.config) });
	return true;
}
