/** The mirror automaton (spec/01 §3): takes an event in, then lets the rules act until none has anything to do. */
import { type Automaton, type Decision, nothingHolds, refusal, type Stamped, wakeupLog } from "../../sdk/index.ts";
import { absorb } from "./absorb.ts";
import { leaseLeft, tickLease, usesLease, watchLease } from "./ask.ts";
import { actCommand, countsAsError, takeCommand } from "./commands.ts";
import { Context } from "./context.ts";
import { actHealing, giveUp, isReopening, processDied } from "./heal.ts";
import { assertInvariants } from "./invariants.ts";
import { deny, seekPermission } from "./loss.ts";
import { orderSession } from "./meet.ts";
import { beginStart, beginStop, continueStop, nextStopStage } from "./passages.ts";
import { handedOverSteps } from "./plans.ts";
import { actPrimary, actPrimaryAtOnce } from "./primary.ts";
import { applyRule } from "./rules.ts";
import { checkSynced, showSyncAt } from "./schedule.ts";
import { actPromoting, actSecondary, actSecondaryAtOnce, isPromotable, refuse } from "./secondary.ts";
import { mountsAreSilent } from "./silence.ts";
import { initialState, type MirrorState, type PlanKind } from "./state.ts";
import { announce, isUptodate, view } from "./view.ts";
import { actWaiting } from "./waiting.ts";

export const mirror: Automaton<MirrorState> = {
	mode: "mirror",
	initial: initialState,
	decide,
	assertInvariants,
	announce,
	view,
};

/** More rounds than any chain of rules has; reaching it is a defect of the rules. */
const maxRounds = 16;

function decide(state: MirrorState, event: Stamped): Decision<MirrorState> {
	const ctx = new Context(state, event);
	absorb(ctx);
	handle(ctx);
	let rounds = 0;
	while (act(ctx)) {
		if (++rounds > maxRounds) throw new RangeError(`the rules do not come to rest in ${ctx.s.phase}`);
	}
	finish(ctx, state);
	return { state: ctx.s, effects: ctx.effects };
}

/** What one kind of event calls for, beyond what the rules see in the state. */
function handle(ctx: Context): void {
	const { s, event } = ctx;
	if (event.type === "command") takeCommand(ctx, event);
	else if (event.type === "planEnded") endPlan(ctx, event.plan, event.ok, event.failed);
	else if (event.type === "resumed") resume(ctx, event.rebooted);
	else if (event.type === "timer") fire(ctx, event.name);
	else if (event.type === "rule") applyRule(ctx, event);
	else if (event.type === "replication") {
		if (event.fact.fact === "sealed") sealedByItself(ctx);
		else if (event.fact.fact === "failed") orderFailed(ctx, event.fact);
		else if (event.fact.fact === "died" && event.fact.killed !== true) processDied(ctx);
		else if (event.fact.fact === "silent") mountsAreSilent(ctx, event.fact.forMs);
		else if (event.fact.fact === "diskFailed" && s.serving && s.phase === "primary") {
			ctx.log("rfsplug", "E", `The disk under the replicated directories fails: ${event.fact.message}`);
			ctx.order({ order: "fail" });
			// A permission that came now would go to a node that cannot use it.
			s.loss = null;
			ctx.disarm("permission", "lease");
			beginStop(ctx, { again: true, action: "stopwait", stage: "drop" });
			s.held = "The disk under the replicated directories failed: repair it, then stop and start this module";
			s.heldUntilMs = null;
		} else if (event.fact.fact === "applyFailed" && s.phase === "secondary") {
			applyFailed(ctx, event.fact.message);
		}
	}
	if (event.type === "replication" && event.fact.fact === "link") watchLease(ctx);
	if (event.type === "witness" && event.answer.got === "swapped") watchLease(ctx);
}

function act(ctx: Context): boolean {
	const { s } = ctx;
	seekPermission(ctx);
	if (s.healing !== null) actHealing(ctx);
	else if (s.phase === "primary") actPrimaryAtOnce(ctx);
	if (s.phase === "secondary") actSecondaryAtOnce(ctx);
	if (s.plan !== null) return false;
	if (actCommand(ctx)) return true;
	switch (s.phase) {
		case "waiting":
			return actWaiting(ctx);
		case "primary":
			return actPrimary(ctx);
		case "secondary":
			return actSecondary(ctx);
		case "promoting":
			return actPromoting(ctx);
		default:
			return false;
	}
}

function endPlan(ctx: Context, number: number, ok: boolean, failed: string | undefined): undefined {
	const { s } = ctx;
	// Numbers of other plans come from before a restart: they ended already.
	if (s.plan?.number !== number) return;
	const { kind } = s.plan;
	s.plan = null;
	if (s.phase === "stopping") return endStopPlan(ctx, kind, ok);
	if (!ok) return planFailed(ctx, kind, failed ?? `A step failed (${kind})`);
	if (kind === "start") {
		s.phase = "waiting";
		tickLease(ctx);
	} else if (kind === "promote") {
		s.phase = "promoting";
	} else if (kind === "restart") {
		s.rule = null;
	} else if (kind === "swap") {
		Object.assign(s, { phase: "secondary", main: "SECOND", serving: false, session: null, swapped: true });
		s.wasPrimary = false;
		ctx.plan("afterSwap", handedOverSteps());
	}
}

function endStopPlan(ctx: Context, kind: PlanKind, ok: boolean): undefined {
	const { s } = ctx;
	const stopping = s.stopping;
	if (stopping === null) return;
	const ofThisStop = kind === "dropAddress" || kind === "leave" || kind === "stop" || kind === "cleanUp";
	const stage =
		ofThisStop && stopPlans[stopping.stage] === kind ? nextStopStage(stopping.stage, ok, s.main) : stopping.stage;
	// Left gracefully: no checkers run any more.
	if (kind === "leave" && ok) s.main = "WAIT";
	if (stage !== null) {
		s.stopping = { ...stopping, stage };
		if (stage === "leave") s.status = "Transient";
		return continueStop(ctx);
	}
	if (s.serving) s.ended = s.servedTerm;
	Object.assign(s, { phase: "stopped", main: "STOP", stopping: null, serving: false, session: null, degraded: false });
	s.healing = null;
	s.opened = false;
	s.loss = null;
	s.why = stopping.why ?? "The module is stopped";
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

const stopPlans = { drop: "dropAddress", leave: "leave", stop: "stop", clean: "cleanUp" } as const;

/** A replication step, or the address, failed: the module cannot go where it was going, and says why. */
function planFailed(ctx: Context, kind: PlanKind, why: string): undefined {
	const { s } = ctx;
	ctx.log("heart", "E", `${kind === "start" ? "The start failed" : "The module goes back to WAIT"}: ${why}`);
	ctx.answer(s.request, refusal("MODULE_START_FAILED", `The module could not be started: ${why}`));
	s.request = null;
	if (kind === "start") {
		beginStop(ctx, {
			again: false,
			action: "stop",
			why: `The start failed: ${why}. Mend the cause, then safekit start`,
		});
		return;
	}
	s.held = `${why}; tried again in a minute, or after safekit stop and safekit start`;
	beginStop(ctx, { again: true, action: "stopwait", stage: s.serving ? "drop" : "leave" });
	holdAwhile(ctx);
}

/** How long a node that failed for reasons of its own stays out of the way before it tries again. */
const heldMs = 60_000;

function orderFailed(ctx: Context, fact: { order: string; message: string; code: string }): undefined {
	const { s } = ctx;
	ctx.log("rfsplug", "E", `${fact.message} (${fact.code})`);
	if (fact.order === "sync" || fact.order === "goAlone") {
		if (s.loss !== null) deny(ctx, fact.message, null);
		return;
	}
	if (s.healing !== null && (fact.order === "open" || fact.order === "serve")) return giveUp(ctx);
	if (isReopening(s) && fact.order === "open") return giveUp(ctx);
	// Steps of plans are answered by the plan's end.
	if (s.plan !== null && fact.order !== "session") return;
	if (fact.order === "session" && s.session?.synced === false) {
		if (s.session.source) s.session = null;
		else hold(ctx, fact.message);
	} else if (fact.order === "seal" && s.sealing) {
		s.sealing = false;
		s.session = null;
		beginStop(ctx, { again: true, action: "stopwait" });
	}
}

function hold(ctx: Context, message: string): void {
	const { s } = ctx;
	s.held = `${message}; tried again in a minute, or after safekit stop and safekit start`;
	ctx.log("heart", "E", s.held);
	if (s.phase === "secondary") beginStop(ctx, { again: true, action: "stopwait" });
	holdAwhile(ctx);
}

function holdAwhile(ctx: Context): void {
	ctx.s.heldUntilMs = ctx.event.atMs + heldMs;
	ctx.arm("held", heldMs);
}

/** Nobody ordered it in time (replication.md §5.9, daemon dead): nothing can be changed here any more. */
function sealedByItself(ctx: Context): void {
	const { s } = ctx;
	if (s.phase !== "primary" || s.plan?.kind === "swap") return;
	ctx.log("rfsplug", "E", "Without permission to go on alone: replication has sealed the data");
	beginStop(ctx, { again: true, action: "stopwait", stage: "drop" });
}

/** Not promotable any more; a disk that stays full ends at maxloop. */
function applyFailed(ctx: Context, message: string): void {
	if (countsAsError(ctx)) return;
	hold(ctx, `A replicated change could not be applied: ${message}. Make room on this disk, or repair it`);
}

function fire(ctx: Context, name: string): void {
	const { s, event } = ctx;
	if (name === "witness") tickLease(ctx);
	else if (name === "permission" && s.loss !== null && s.loss.stage !== "granted") {
		deny(ctx, "nothing permitted it in time", null);
	} else if (name === "permission" && s.healing !== null) giveUp(ctx);
	else if (name === "promotion" && s.phase === "promoting" && s.plan === null) refuse(ctx);
	else if (
		name === "lease" &&
		s.session?.source === true &&
		s.session.synced &&
		!s.link &&
		s.loss?.stage !== "granted"
	) {
		if (leaseLeft(s, event.atMs) > 0) watchLease(ctx);
		else if (s.serving) deny(ctx, "the lease at the witness ran out", null);
	}
}

/** The daemon, or the machine, started again. */
function resume(ctx: Context, rebooted: boolean): void {
	const { s } = ctx;
	s.askedWitness = false;
	if (s.ping === "asked") s.ping = "idle";
	if (rebooted) {
		const { config, records, wasPrimary, failover, failoverHeld, loop, syncedWallMs, ended, servedTerm } = s;
		const primary = wasPrimary || s.main === "PRIM" || s.main === "ALONE";
		const kept = { records, failover, failoverHeld, loop, syncedWallMs, ended, servedTerm, plans: s.plans };
		Object.assign(s, initialState(config), kept, { wasPrimary: primary });
		return;
	}
	if (s.phase === "waiting" || s.phase === "starting") ctx.arm("start", s.config.timeoutMs);
	if (s.loss !== null || s.healing !== null) ctx.arm("permission", s.config.lockTimeoutMs);
	if (s.phase === "promoting") ctx.arm("promotion", s.config.lockTimeoutMs);
	if (s.held !== null && s.heldUntilMs !== null) ctx.arm("held", Math.max(0, s.heldUntilMs - ctx.event.atMs));
	s.lease = { ...s.lease, known: false, renewedMs: -1 };
	repeatOrders(ctx);
	tickLease(ctx);
	watchLease(ctx);
}

/** Orders outside plans may have been stored and not given, or given and their answer lost: all are idempotent. */
function repeatOrders(ctx: Context): void {
	const { s } = ctx;
	if (s.loss?.stage === "granted") ctx.order({ order: "goAlone", term: s.servedTerm });
	if (s.loss?.stage === "asking" && !s.loss.synchronised) ctx.order({ order: "sync" });
	if (s.sealing) ctx.order({ order: "seal" });
	if (s.healing !== null) {
		s.healing = { ...s.healing, ordered: false };
		ctx.order({ order: "open", adopt: true });
	} else if (isReopening(s)) ctx.order({ order: "open", adopt: true });
	if (s.config.replicated && s.session !== null && !s.session.synced && !s.sealing) orderSession(ctx, s.session);
}

/** Status, the documented log lines of a change, and the resources that show it. */
function finish(ctx: Context, before: MirrorState): void {
	const { s } = ctx;
	s.status = statusOf(ctx);
	const released = before.phase === "waiting" && before.status === "NotReady" && before.rule !== null;
	if (released && !ctx.blocked && s.phase !== "stopping") {
		ctx.effects.push(wakeupLog());
		if (s.phase === "waiting") s.rule = null;
	}
	if (s.main !== before.main || s.status !== before.status) {
		ctx.resource("state.local", `${s.main} ${s.status}`);
		ctx.log("heart", "E", `Local state ${s.main} ${s.status}`);
	}
	if (s.config.replicated && isUptodate(s) !== isUptodate(before)) {
		ctx.resource("rfs.uptodate", isUptodate(s) ? "up" : "down");
	}
	if (before.degraded && !s.degraded) ctx.resource("rfs.degraded", "down");
	const synced = s.main === "PRIM" || (s.main === "SECOND" && s.status === "Ready");
	if (synced && s.session?.synced === true && s.loss === null) s.syncedWallMs = ctx.event.wallMs;
	checkSynced(ctx, before);
	showSyncAt(ctx, before);
	if (usesLease(s) && s.session?.synced === true && before.session?.synced !== true) tickLease(ctx);
}

function statusOf(ctx: Context): MirrorState["status"] {
	const { s } = ctx;
	const kind = s.plan?.kind;
	switch (s.phase) {
		case "stopped":
			return "NotReady";
		case "waiting":
			return ctx.blocked ? "NotReady" : "Transient";
		case "primary":
			return s.expecting || kind === "toPrimary" || kind === "restart" || kind === "swap" ? "Transient" : "Ready";
		case "secondary":
			return isPromotable(s) && kind !== "restart" && kind !== "toSecond" ? "Ready" : "Transient";
		default:
			return "Transient";
	}
}
