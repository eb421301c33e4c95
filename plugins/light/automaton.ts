/** STOP, WAIT, UP (spec/01 §4): takes an event in, then lets the rules act until none has anything to do. */
import {
	type Automaton,
	type Decision,
	holdingWhy,
	nothingHolds,
	type Stamped,
	takeRule,
	wakeupLog,
} from "../../sdk/index.ts";
import { actCommand, beginStart, stopToWait, takeCommand } from "./commands.ts";
import { assertInvariants } from "./invariants.ts";
import { cleanUpSteps, leaveUpSteps, stopSteps, type Traffic, upSteps } from "./plans.ts";
import { Context, initialState, type Stopping, type UpState } from "./state.ts";
import { view } from "./view.ts";

/** Nobody else serves the clients of a light module: they come and go as they like. */
export const light: Traffic = { mode: "light", set: [], open: [], close: [], unset: [] };

/** The automaton of a mode whose servers do not depend on each other. */
export function upAutomaton(traffic: Traffic): Automaton<UpState> {
	return {
		mode: traffic.mode,
		initial: initialState,
		decide: (state, event) => decide(traffic, state, event),
		assertInvariants,
		announce: ({ main, status }) => ({ main, status }),
		view,
	};
}

function decide(traffic: Traffic, state: UpState, event: Stamped): Decision<UpState> {
	const ctx = new Context(state, event);
	if (event.type === "command") takeCommand(ctx, event);
	else if (event.type === "configured") ctx.s.config = event.config;
	else if (event.type === "rule") takeRule(ctx, event);
	else if (event.type === "planEnded") endPlan(ctx, event);
	else if (event.type === "resumed" && event.rebooted) {
		const { config, plans, loop } = state;
		Object.assign(ctx.s, initialState(config), { plans, loop });
	}
	// A command may bring the module to where the next rule acts; it never takes more than a few rounds.
	for (let rounds = 0; act(ctx, traffic); ) {
		if (++rounds > 8) throw new RangeError(`the rules do not come to rest in ${ctx.s.phase}`);
	}
	finish(ctx, state);
	return { state: ctx.s, effects: ctx.effects };
}

/** With no plan running: what comes next. True if something began. */
function act(ctx: Context, traffic: Traffic): boolean {
	const { s } = ctx;
	if (s.plan !== null) return false;
	if (s.phase === "stopping") return continueStop(ctx, traffic);
	if (actCommand(ctx, traffic)) return true;
	const holding = holdingWhy(s.holding);
	if (s.phase === "up" && typeof holding?.rule === "string") return stopToWait(ctx, holding.rule);
	if (s.phase !== "waiting") return false;
	if (holding !== null) {
		Object.assign(s, { why: holding.why, rule: holding.rule ?? s.rule });
		ctx.blocked = holding.rule !== null;
		return false;
	}
	Object.assign(s, { phase: "up", main: "UP", rule: null });
	ctx.plan("open", upSteps(traffic));
	return true;
}

/** The plan of the stage that the stop has come to. */
function continueStop(ctx: Context, traffic: Traffic): boolean {
	const { s } = ctx;
	const stopping = s.stopping as Stopping;
	const { action, stage } = stopping;
	if (stage === "leave") ctx.plan("leave", leaveUpSteps(traffic, action));
	else if (stage === "stop") ctx.plan("stop", stopSteps(traffic, action, s.main));
	else ctx.plan("cleanUp", cleanUpSteps(traffic, action));
	if (stage !== "leave") s.main = "WAIT";
	return true;
}

function endPlan(ctx: Context, ended: { plan: number; ok: boolean; failed?: string }): undefined {
	const { s } = ctx;
	// Numbers of other plans come from before a restart: they ended already.
	if (s.plan?.number !== ended.plan) return;
	const { kind } = s.plan;
	s.plan = null;
	if (s.stopping !== null && s.phase === "stopping") return endStopPlan(ctx, s.stopping, kind, ended.ok);
	if (!ended.ok) {
		const why = `${ended.failed ?? "a step failed"}. Mend the cause, then safekit start`;
		ctx.log("heart", "E", `The start failed: ${ended.failed ?? "a step failed"}`);
		s.phase = "stopping";
		s.stopping = { again: false, action: "stop", stage: "stop", why: `The start failed: ${why}` };
		return;
	}
	if (kind === "start") s.phase = "waiting";
	if (kind === "restart") s.rule = null;
}

function endStopPlan(ctx: Context, stopping: Stopping, kind: string, ok: boolean): undefined {
	const { s } = ctx;
	// Another plan than the stop's own was ended to make room for it.
	if (kind !== stopping.stage) return;
	if (kind === "leave") {
		// Left gracefully: no checkers run any more.
		if (ok) s.main = "WAIT";
		s.stopping = { ...stopping, stage: "stop" };
		return;
	}
	if (kind === "stop" && !ok) {
		s.stopping = { ...stopping, stage: "cleanUp" };
		return;
	}
	Object.assign(s, { phase: "stopped", main: "STOP", stopping: null, why: stopping.why ?? "The module is stopped" });
	// A stop that came meanwhile wins over the start that was to follow.
	const stops = s.next?.command === "stop" || s.next?.command === "shutdown";
	if (!stopping.again || stops) {
		s.rule = null;
		s.holding = nothingHolds;
		if (!stops) return;
		ctx.answer(s.next?.request);
		s.next = null;
		return;
	}
	ctx.log("heart", "U", "Action start called automatically");
	beginStart(ctx, "stopstart");
}

/** Status, and the documented log lines of a change. */
function finish(ctx: Context, before: UpState): void {
	const { s } = ctx;
	s.status = statusOf(ctx);
	const released = before.phase === "waiting" && before.status === "NotReady" && before.rule !== null;
	if (released && !ctx.blocked && s.phase !== "stopping") {
		ctx.effects.push(wakeupLog());
	}
	if (s.main === before.main && s.status === before.status) return;
	ctx.resource("state.local", `${s.main} ${s.status}`);
	ctx.log("heart", "E", `Local state ${s.main} ${s.status}`);
}

function statusOf({ s, blocked }: Context): UpState["status"] {
	if (s.phase === "stopped") return "NotReady";
	if (s.phase === "waiting") return blocked ? "NotReady" : "Transient";
	return s.phase === "up" && s.plan === null ? "Ready" : "Transient";
}
