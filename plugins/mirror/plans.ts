/** The script automaton of the mirror, with its addresses and its replication (spec/03 §3). */
import {
	forceSteps,
	type Passage,
	poststopSteps,
	type ReplicationOrder,
	type Step,
	startClass,
	stopClass,
	stopClassTwice,
	transition,
	virtualAddress,
} from "../../sdk/index.ts";

export function give(
	order: ReplicationOrder,
	until: "opened" | "synchronised" | "serving" | "promoted" | "sealed" | "closed",
): Step {
	return { do: "replication", order, until };
}

/** WAIT→ALONE, WAIT→PRIM; the address is set before start_prim. */
export function startPrimarySteps(to: "ALONE" | "PRIM"): Step[] {
	const passage: Passage = { from: "WAIT", to, action: "start" };
	const steps = [
		transition(passage),
		...startClass(passage, "both"),
		virtualAddress(true),
		...startClass(passage, "prim"),
	];
	return to === "ALONE" ? [...steps, ...startClass(passage, "sec")] : steps;
}

/** WAIT→SECOND. */
export function startSecondSteps(): Step[] {
	const passage: Passage = { from: "WAIT", to: "SECOND", action: "start" };
	const classes = ["both", "second", "sec"] as const;
	return [transition(passage), ...classes.flatMap((of) => startClass(passage, of))];
}

/**
 * ALONE→PRIM, PRIM→ALONE: the application does not notice. A peer that joins may have held the address too, behind a
 * network that was cut, and clients may still look for it there.
 */
export function joinSteps(): Step[] {
	const passage: Passage = { from: "ALONE", to: "PRIM", action: "start" };
	return [...stopClass(passage, "sec"), transition(passage), { do: "announceVip" }];
}
export function partSteps(): Step[] {
	const passage: Passage = { from: "PRIM", to: "ALONE", action: "start" };
	return [transition(passage), ...startClass(passage, "sec")];
}

/** SECOND→ALONE, the failover; with `swap` SECOND→PRIM. start_both has run: it is not run again. */
export function takeOverSteps(swap: boolean): Step[] {
	const passage: Passage = { from: "SECOND", to: swap ? "PRIM" : "ALONE", action: swap ? "swap" : "start" };
	const first = swap ? stopClass(passage, "sec") : [];
	return [
		...first,
		...stopClass(passage, "second"),
		transition(passage),
		virtualAddress(true),
		...startClass(passage, "prim"),
	];
}

/** PRIM→SECOND: the application stops before the data is handed over; the rest follows when it is. */
export function handOverSteps(): Step[] {
	const passage: Passage = { from: "PRIM", to: "SECOND", action: "swap" };
	return [...stopClassTwice(passage, "prim"), virtualAddress(false), transition(passage)];
}
export function handedOverSteps(): Step[] {
	const passage: Passage = { from: "PRIM", to: "SECOND", action: "swap" };
	return [...startClass(passage, "second"), ...startClass(passage, "sec")];
}

/** WAIT→STOP. The address goes after the application, and the seal, which is the other's permission, after both. */
export function stopSteps(action: string, how: { leftFrom: Passage["from"]; seal: boolean; close: boolean }): Step[] {
	return [
		...forceSteps(action, how.leftFrom),
		virtualAddress(false),
		...(how.seal ? [give({ order: "seal" }, "sealed")] : []),
		...(how.close ? [give({ order: "close" }, "closed")] : []),
		...poststopSteps(action),
	];
}

/** What is left to do when a step of the stop failed. */
export function cleanUpSteps(action: string, close: boolean): Step[] {
	return [virtualAddress(false), ...(close ? [give({ order: "close" }, "closed")] : []), ...poststopSteps(action)];
}
