/** What persons, scripts, checkers and failover rules may order (spec/04 §3). A command waits for the running plan. */
import {
	beginCommand,
	type CommandEvent,
	exceedsLoop,
	keepCommand,
	loopWhy,
	prestartSteps,
	refuseCommand,
	setLoop,
} from "../../sdk/index.ts";
import { restartUpSteps, type Traffic } from "./plans.ts";
import type { Context, Stopping } from "./state.ts";

/** Takes a command in: carries out what cannot wait, and remembers one that can. */
export function takeCommand(ctx: Context, event: CommandEvent): undefined {
	if (event.command === "failover") {
		ctx.resource("usersetting.failover", event.on === false ? "off" : "on");
		ctx.answer(event.request);
		return;
	}
	if (event.command === "incloop" || event.command === "resetloop") return setLoop(ctx, event);
	beginCommand(ctx, event);
	if (["prim", "primforce", "second", "swap"].includes(event.command)) {
		return refuseForMirror(ctx, event);
	}
	if (event.command === "forcestop") return forceStop(ctx, event);
	return keepCommand(ctx, event);
}

function refuseForMirror(ctx: Context, event: CommandEvent): undefined {
	return refuseCommand(ctx, event, "MODULE_COMMAND", `${event.command} is for modules of mode mirror`);
}

/** M26: whatever runs is killed; only the forced stops are run. */
function forceStop(ctx: Context, event: CommandEvent): undefined {
	const { s } = ctx;
	ctx.answer(event.request);
	s.next = null;
	if (s.phase === "stopped") return;
	// A forced stop that hangs is left out too.
	const stage = s.plan?.kind === "stop" || s.plan?.kind === "cleanUp" ? "cleanUp" : "stop";
	return beginStop(ctx, { again: false, action: "stop", stage });
}

/** Stops the module. A plan that runs is ended for it. */
function beginStop(ctx: Context, how: Omit<Stopping, "stage"> & { stage?: Stopping["stage"] }): undefined {
	const { s } = ctx;
	s.stopping = { stage: s.main === "UP" ? "leave" : "stop", ...how };
	s.phase = "stopping";
	if (s.plan !== null) ctx.effects.push({ type: "abortPlan", plan: s.plan.number });
}

/** Carries the remembered command out; no plan runs now. True if it began something. */
export function actCommand(ctx: Context, traffic: Traffic): boolean {
	const { s } = ctx;
	const event = s.next;
	if (event === null) return false;
	s.next = null;
	switch (event.command) {
		case "start":
			ctx.answer(event.request);
			return s.phase === "stopped" ? beginStart(ctx, "start") : false;
		case "restart":
			return restart(ctx, traffic, event);
		case "stop":
		case "shutdown":
			return stop(ctx, event, false);
		case "stopstart":
			return stop(ctx, event, true);
		default:
			// A failover rule may ask for a swap.
			refuseForMirror(ctx, event);
			return false;
	}
}

/** STOP→WAIT. */
export function beginStart(ctx: Context, action: "start" | "stopstart"): boolean {
	const { s } = ctx;
	Object.assign(s, { phase: "starting", main: "WAIT", stopping: null, rule: action === "start" ? null : s.rule });
	ctx.plan("start", prestartSteps(action));
	return true;
}

function stop(ctx: Context, event: CommandEvent, again: boolean): boolean {
	const { s } = ctx;
	ctx.answer(event.request);
	if (s.phase === "stopped") return again ? beginStart(ctx, "start") : false;
	if (again && event.identity !== undefined) {
		if (countsAsError(ctx)) return true;
		if (s.config.automaticReboot) {
			ctx.effects.push({ type: "reboot" });
			return false;
		}
	}
	const by = event.identity === undefined || again ? {} : { why: `Stopped by ${event.identity}: see the log` };
	beginStop(ctx, { again, action: again ? "stopstart" : "stop", ...by });
	return true;
}

function restart(ctx: Context, traffic: Traffic, event: CommandEvent): boolean {
	const { s } = ctx;
	if (s.phase !== "up") {
		refuseCommand(ctx, event, "MODULE_NOT_STARTED", `Nothing to restart: the module is ${s.main}`);
		return false;
	}
	ctx.answer(event.request);
	if (event.identity !== undefined && countsAsError(ctx)) return true;
	ctx.plan("restart", restartUpSteps(traffic, event.services));
	return true;
}

/** M18: the application stops, and the start that follows is held. No plan runs now: a start script is never cut off. */
export function stopToWait(ctx: Context, rule: string): boolean {
	ctx.s.rule = rule;
	if (!countsAsError(ctx)) beginStop(ctx, { again: true, action: "stopwait" });
	return true;
}

/** M25: one more action that an error caused; over the limit the module stops. True if it does. */
function countsAsError(ctx: Context): boolean {
	if (!exceedsLoop(ctx)) return false;
	beginStop(ctx, { again: false, action: "stop", why: loopWhy(ctx.s.config) });
	return true;
}
