/** The beginnings of everything that changes the main state: one plan each. */
import { leaveSteps, type MainState, prestartSteps, virtualAddress } from "../../sdk/index.ts";
import type { Context } from "./context.ts";
import * as plans from "./plans.ts";
import type { Session, Stopping } from "./state.ts";

/** A starting node listens this long for a living peer at most; the argument is in `beginStart`. */
const listenAtMostMs = 30_000;
/** With the right to start alone the peer cannot serve, except by a person's order or a split: a few pulses do. */
const listenWithRightMs = 5_000;

/**
 * Without replication there are no terms: of two nodes that served through a split, the one that had not taken over
 * blindly stays.
 */
export const blindRank = 1;
export const fullRank = 2;

/** How long a start listens before it decides without the peer. */
export function listenMs(timeoutMs: number, right: boolean): number {
	return Math.min(timeoutMs, right ? listenWithRightMs : listenAtMostMs);
}

/**
 * STOP→WAIT. The time for hearing a living peer counts from here, beside prestart, not after it: one heartbeat
 * timeout, which is what the configuration says a living peer may be silent for, bounded so that a start never hangs;
 * shorter for the last one who served, whose peer is outdated by its own records.
 */
export function beginStart(ctx: Context, action: "start" | "stopstart"): void {
	const { s } = ctx;
	Object.assign(s, {
		phase: "starting",
		main: "WAIT",
		rule: action === "start" ? null : s.rule,
		why: "Starting",
		waited: false,
		stopping: null,
		session: null,
		loss: null,
		healing: null,
		sealing: false,
		ping: "idle",
		expecting: false,
		splitSeen: false,
		swapped: false,
		degraded: false,
	});
	const right = s.config.replicated && s.records?.alone != null;
	ctx.arm("start", listenMs(s.config.timeoutMs, right));
	const open = s.config.replicated ? [plans.give({ order: "open" }, "opened")] : [];
	ctx.plan("start", [...prestartSteps(action), ...open]);
}

/** WAIT→ALONE, or →PRIM when the other is on its way. `serve` is null without replication. */
export function beginPrimary(
	ctx: Context,
	to: "ALONE" | "PRIM",
	serve: { term: number; alone: boolean; force: boolean } | null,
): void {
	const { s } = ctx;
	becomePrimary(ctx, to, serve?.term ?? fullRank);
	if (serve?.alone === true) s.session = null;
	// On a person's word one copy counts from now on: what had two in memory goes to the disk first.
	const sync = serve?.force === true && ctx.s.config.rules.sync ? [plans.give({ order: "sync" }, "synchronised")] : [];
	const order = serve === null ? [] : [...sync, plans.give({ order: "serve", ...serve }, "serving")];
	ctx.plan("toPrimary", [...order, ...uptodateLog(ctx), ...plans.startPrimarySteps(to)]);
}

/** WAIT→SECOND; the session, if there is one, is ordered already. */
export function beginSecond(ctx: Context): void {
	const { s } = ctx;
	Object.assign(s, { phase: "secondary", main: "SECOND", rule: null, failoverHeld: false, held: null, goal: "start" });
	ctx.disarm("start");
	ctx.answer(s.request);
	s.request = null;
	if (!s.config.replicated) s.session = { ...pairing };
	ctx.plan("toSecond", plans.startSecondSteps());
}

/** What stands for a session where nothing is replicated: the pair as such. */
export const pairing: Session = {
	term: 1,
	source: false,
	outcome: "EQUAL",
	everything: false,
	quarantine: false,
	accepted: true,
	synced: true,
	syncedMs: 0,
	spoilt: false,
};

/** SECOND→ALONE, or →PRIM in a swap. `promote`: the order was not given yet. */
export function beginTakeOver(ctx: Context, how: { swap: boolean; term: number; promote: boolean }): void {
	const { s } = ctx;
	becomePrimary(ctx, how.swap ? "PRIM" : "ALONE", how.term);
	s.session = null;
	const orders = s.config.replicated
		? [
				...(how.promote ? [plans.give({ order: "promote" }, "promoted")] : []),
				plans.give({ order: "serve", term: how.term, alone: true }, "serving"),
			]
		: [];
	ctx.plan("toPrimary", [...orders, ...plans.takeOverSteps(how.swap)]);
}

function becomePrimary(ctx: Context, to: MainState, term: number): void {
	Object.assign(ctx.s, {
		phase: "primary",
		main: to,
		rule: null,
		serving: true,
		writable: false,
		servedTerm: term,
		loss: null,
		expecting: to === "PRIM",
		splitSeen: false,
		failoverHeld: false,
		held: null,
		goal: "start",
	});
	ctx.disarm("start", "promotion");
	ctx.answer(ctx.s.request);
	ctx.s.request = null;
}

function uptodateLog(ctx: Context): { do: "log"; origin: string; level: "I"; text: string }[] {
	if (!ctx.s.config.replicated) return [];
	return [{ do: "log", origin: "rfsplug", level: "I", text: "Uptodate replicated file system" }];
}

/** Stops the module: gracefully from any main state, or `now` (forcestop): whatever runs is killed. */
export function beginStop(
	ctx: Context,
	how: { again: boolean; action: Stopping["action"]; stage?: Stopping["stage"]; why?: string },
): undefined {
	const { s } = ctx;
	const running = s.main === "ALONE" || s.main === "PRIM" || s.main === "SECOND";
	// Only an administrator's stop is remembered as the end of a primary's life (defaultprim="lastprim").
	if (!how.again) s.wasPrimary = s.main === "PRIM" || s.main === "ALONE";
	const { again, action, why } = how;
	s.stopping = {
		again,
		action,
		stage: how.stage ?? (running ? "leave" : "stop"),
		...(why === undefined ? {} : { why }),
	};
	s.phase = "stopping";
	s.goal = "start";
	s.fullsync = null;
	if (!s.serving) s.session = null;
	ctx.disarm("start", "promotion");
	// What holds a node back still holds after a stop that starts again by itself.
	if (!how.again) {
		s.held = null;
		ctx.disarm("held");
	}
	if (s.plan === null) continueStop(ctx);
	else ctx.effects.push({ type: "abortPlan", plan: s.plan.number });
}

/** The next plan of a stop. */
export function continueStop(ctx: Context): undefined {
	const { s } = ctx;
	const stopping = s.stopping;
	if (stopping === null) return;
	const replicated = s.config.replicated;
	if (stopping.stage === "drop") {
		ctx.plan("dropAddress", [virtualAddress(false)]);
	} else if (stopping.stage === "leave") {
		ctx.plan("leave", leaveSteps(s.main, stopping.action));
	} else {
		const leftFrom = s.main;
		s.main = "WAIT";
		// What died, or was ended because it hung, seals nothing.
		const seal = replicated && s.serving && !s.degraded && !s.silent;
		if (stopping.stage === "stop")
			ctx.plan("stop", plans.stopSteps(stopping.action, { leftFrom, seal, close: replicated }));
		else ctx.plan("cleanUp", plans.cleanUpSteps(stopping.action, replicated));
	}
}

/** After a plan of a stop: what is next, or null when the module is stopped. */
export function nextStopStage(stage: Stopping["stage"], ok: boolean, main: MainState): Stopping["stage"] | null {
	if (stage === "drop") return main === "WAIT" ? "stop" : "leave";
	if (stage === "leave") return "stop";
	return stage === "stop" && !ok ? "clean" : null;
}
