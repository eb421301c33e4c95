/** The script automaton: which scripts, checkers and services in which order (spec/03 §3). Nice, then force. */
import type { MainState, ReplicationOrder, Step, WatchClass } from "../../sdk/index.ts";

/** What the scripts of one transition are told. */
export interface Passage {
	from: MainState;
	to: MainState;
	action: string;
	/** A restart of these services only. */
	services?: string;
}

const run = (passage: Passage, script: string, force?: boolean): Step => ({
	do: "script",
	script,
	...(force === true ? { force } : {}),
	...passage,
});

const watch = (of: WatchClass, enable: boolean): Step => ({ do: "checkers", class: of, enable });

/** start_X, then its checkers. */
const start = (passage: Passage, of: WatchClass): Step[] => [run(passage, `start_${of}`), watch(of, true)];

/** Its checkers off, then stop_X. */
const stop = (passage: Passage, of: WatchClass): Step[] => [watch(of, false), run(passage, `stop_${of}`)];

/** The two calls of the rows that the diagram marks so. */
const stopTwice = (passage: Passage, of: WatchClass): Step[] => [
	...stop(passage, of),
	run(passage, `stop_${of}`, true),
];

const transition = (passage: Passage): Step => run(passage, "transition");
export const address = (set: boolean): Step => ({ do: "vip", set });

export function give(
	order: ReplicationOrder,
	until: "opened" | "synchronised" | "serving" | "promoted" | "sealed" | "closed",
): Step {
	return { do: "replication", order, until };
}

/** STOP→WAIT. */
export function startSteps(action: string): Step[] {
	const passage: Passage = { from: "STOP", to: "WAIT", action };
	return [transition(passage), run(passage, "prestart"), watch("pre", true)];
}

/** WAIT→ALONE, WAIT→PRIM; the address is set before start_prim. */
export function startPrimarySteps(to: "ALONE" | "PRIM"): Step[] {
	const passage: Passage = { from: "WAIT", to, action: "start" };
	const steps = [transition(passage), ...start(passage, "both"), address(true), ...start(passage, "prim")];
	return to === "ALONE" ? [...steps, ...start(passage, "sec")] : steps;
}

/** WAIT→SECOND. */
export function startSecondSteps(): Step[] {
	const passage: Passage = { from: "WAIT", to: "SECOND", action: "start" };
	return [transition(passage), ...start(passage, "both"), ...start(passage, "second"), ...start(passage, "sec")];
}

/**
 * ALONE→PRIM, PRIM→ALONE: the application does not notice. A peer that joins may have held the address too, behind a
 * network that was cut, and clients may still look for it there.
 */
export function joinSteps(): Step[] {
	const passage: Passage = { from: "ALONE", to: "PRIM", action: "start" };
	return [...stop(passage, "sec"), transition(passage), { do: "announceVip" }];
}
export function partSteps(): Step[] {
	const passage: Passage = { from: "PRIM", to: "ALONE", action: "start" };
	return [transition(passage), ...start(passage, "sec")];
}

/** SECOND→ALONE, the failover; with `swap` SECOND→PRIM. */
export function takeOverSteps(swap: boolean): Step[] {
	const passage: Passage = { from: "SECOND", to: swap ? "PRIM" : "ALONE", action: swap ? "swap" : "start" };
	const first = swap ? stop(passage, "sec") : [];
	return [...first, ...stop(passage, "second"), transition(passage), address(true), ...start(passage, "prim")];
}

/** PRIM→SECOND: the application stops before the data is handed over; the rest follows when it is. */
export function handOverSteps(): Step[] {
	const passage: Passage = { from: "PRIM", to: "SECOND", action: "swap" };
	return [...stopTwice(passage, "prim"), address(false), transition(passage)];
}
export function handedOverSteps(): Step[] {
	const passage: Passage = { from: "PRIM", to: "SECOND", action: "swap" };
	return [...start(passage, "second"), ...start(passage, "sec")];
}

/** Restart in place: scripts only. */
export function restartSteps(main: "ALONE" | "PRIM" | "SECOND", services?: string): Step[] {
	const limit = services === undefined ? {} : { services };
	const passage: Passage = { from: main, to: main, action: "restart", ...limit };
	const classes: WatchClass[] =
		main === "ALONE" ? ["sec", "prim", "both"] : main === "PRIM" ? ["prim", "both"] : ["sec", "second", "both"];
	const stops = classes.flatMap((of) => stopTwice(passage, of));
	return [...stops, ...classes.reverse().flatMap((of) => start(passage, of))];
}

/** ALONE, PRIM or SECOND→WAIT: once, gracefully. */
export function leaveSteps(main: MainState, action: string): Step[] {
	const passage: Passage = { from: main, to: "WAIT", action };
	const classes: WatchClass[] =
		main === "ALONE" ? ["sec", "prim", "both"] : main === "PRIM" ? ["prim", "both"] : ["sec", "second", "both"];
	return [...classes.flatMap((of) => stop(passage, of)), transition(passage)];
}

/** WAIT→STOP. The address goes after the application, and the seal, which is the other's permission, after both. */
export function stopSteps(action: string, replication: { seal: boolean; close: boolean }): Step[] {
	const passage: Passage = { from: "WAIT", to: "STOP", action };
	const force = ["stop_sec", "stop_prim", "stop_second", "stop_both"].map((script) => run(passage, script, true));
	return [
		...force,
		address(false),
		...(replication.seal ? [give({ order: "seal" }, "sealed")] : []),
		...(replication.close ? [give({ order: "close" }, "closed")] : []),
		watch("pre", false),
		run(passage, "poststop"),
		transition(passage),
	];
}

/** What is left to do when a step of the stop failed. */
export function cleanUpSteps(action: string, close: boolean): Step[] {
	const passage: Passage = { from: "WAIT", to: "STOP", action };
	return [
		address(false),
		...(close ? [give({ order: "close" }, "closed")] : []),
		watch("pre", false),
		run(passage, "poststop"),
		transition(passage),
	];
}
