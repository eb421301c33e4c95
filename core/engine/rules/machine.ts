/**
 * The failover machine (spec/02 §11): looks at the rules whenever something changes, and at the end of `handle_time`.
 * The documented product looks every `period` and acts when a condition has held for `handle_time`; looking at every
 * change instead acts at the same time or earlier, and a condition never has to wait for the next period.
 *
 * - A wait rule holds a module in WAIT at once, because a start must not go on; it sends a started module to WAIT when
 *   its condition has held for handle_time. It lets go when its condition has not held for handle_time.
 * - Other rules act on a started module (stop: in WAIT too) when their condition has held for handle_time, and again
 *   when it still holds handle_time after the transition that they caused.
 * - Nothing acts while a transition runs; what became due meanwhile acts at its end.
 */
import type { EngineEvent, MainState } from "../contract.ts";
import { evaluate, type Facts } from "./evaluate.ts";
import type { ActiveRule, RuleSet } from "./ruleSet.ts";

export type RuleEvent = EngineEvent & { type: "rule" };

/** What the machine remembers of one rule. */
interface Watched {
	/** `init`: open because a resource has no value yet. */
	now: "yes" | "no" | "init" | "open";
	/** Since when, monotonic ms. */
	sinceMs: number;
	/** Wait rules: what the automaton was told last. */
	told: "yes" | "no" | "init" | null;
	/** Other rules: it acted, and the transition has not ended yet. */
	acted: boolean;
}

/** Plain data, new after each look. */
export interface RuleMemory {
	watched: Readonly<Record<string, Watched>>;
	main: MainState;
	idle: boolean;
}

export const noMemory: RuleMemory = { watched: {}, main: "STOP", idle: true };

/** The module at the moment of a look. */
export interface Moment {
	/** Monotonic ms. */
	atMs: number;
	main: MainState;
	/** No transition runs. */
	idle: boolean;
	/** Labels of the wait rules that the automaton says hold it. */
	held: readonly string[];
	facts: Facts;
}

export interface Look {
	memory: RuleMemory;
	/** To be delivered in this order, before the next look. */
	events: RuleEvent[];
	/** When to look again if nothing changes until then; null: nothing to wait for. */
	nextMs: number | null;
}

export function look(set: RuleSet, before: RuleMemory, moment: Moment): Look {
	const { main, idle } = moment;
	if (main === "STOP") return { memory: { watched: {}, main, idle }, events: [], nextMs: null };
	const run: Run = { set, before, moment, events: [], dueMs: [], acted: false };
	const watched: Record<string, Watched> = {};
	for (const rule of set.rules) watched[rule.label] = lookAt(rule, run);
	// A rule that a new configuration does not have any more lets go.
	for (const rule of moment.held.filter((label) => watched[label] === undefined)) {
		run.events.push({ type: "rule", rule, action: "wait", holds: false });
	}
	const nextMs = run.dueMs.length === 0 ? null : Math.min(...run.dueMs);
	return { memory: { watched, main, idle }, events: run.events, nextMs };
}

interface Run {
	set: RuleSet;
	before: RuleMemory;
	moment: Moment;
	events: RuleEvent[];
	dueMs: number[];
	/** At most one rule acts at a time: the transition that it causes has to end first. */
	acted: boolean;
}

function lookAt(rule: ActiveRule, run: Run): Watched {
	const { moment, before } = run;
	const { now, init } = truthOf(rule, run);
	const old = before.watched[rule.label];
	const watched: Watched =
		old?.now === now ? { ...old } : { now, sinceMs: moment.atMs, told: old?.told ?? null, acted: false };
	if (rule.action === "wait") watchWait(rule, watched, init, run);
	else watchAction(rule, watched, run);
	return watched;
}

function truthOf(rule: ActiveRule, run: Run): { now: Watched["now"]; init: string | null } {
	const { truth, init } = evaluate(rule.when, run.moment.facts);
	if (truth !== "open") return { now: truth, init: null };
	const awaited = init === null || run.set.notInWait.has(init) ? null : init;
	return { now: awaited === null ? "open" : "init", init: awaited };
}

function watchWait(rule: ActiveRule, watched: Watched, init: string | null, run: Run): void {
	const { moment } = run;
	const tell = (told: "yes" | "no" | "init"): void => {
		if (watched.told === told) return;
		watched.told = told;
		const awaited = told === "init" && init !== null ? { init } : {};
		run.events.push({ type: "rule", rule: rule.label, action: "wait", holds: told === "yes", ...awaited });
	};
	if (watched.now === "yes") {
		if (moment.main === "WAIT") tell("yes");
		else if (watched.told !== "yes" && isDue(watched, run) && mayAct(run)) {
			run.acted = true;
			tell("yes");
		}
	} else if (watched.told === "yes") {
		// A value that is not there yet is no reason to let go.
		if (watched.now !== "init" && isDue(watched, run)) tell("no");
	} else tell(watched.now === "init" && moment.main === "WAIT" ? "init" : "no");
}

function watchAction(rule: ActiveRule, watched: Watched, run: Run): void {
	const { moment, before } = run;
	if (watched.now !== "yes") return;
	const started = moment.main !== "WAIT";
	const ended = moment.idle && !before.idle;
	const nowStarted = started && (before.main === "WAIT" || before.main === "STOP");
	// Of a module that has just been started nothing is known yet, and an action gets its time to help.
	if (nowStarted || (watched.acted && ended)) {
		watched.sinceMs = moment.atMs;
		watched.acted = false;
	}
	if (watched.acted || !(started || rule.action === "stop")) return;
	if (!isDue(watched, run) || !mayAct(run)) return;
	run.acted = true;
	watched.acted = true;
	run.events.push({ type: "rule", rule: rule.label, action: rule.action, holds: true });
}

function mayAct(run: Run): boolean {
	return run.moment.idle && !run.acted;
}

/** What it is has lasted for handle_time; if not, it is looked at when it will have. */
function isDue(watched: Watched, run: Run): boolean {
	const dueMs = watched.sinceMs + run.set.handleTimeMs;
	if (dueMs <= run.moment.atMs) return true;
	run.dueMs.push(dueMs);
	return false;
}
