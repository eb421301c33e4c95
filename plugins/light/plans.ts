/** The script automaton of the states STOP, WAIT and UP (spec/03 §3). */
import {
	forceSteps,
	leaveSteps,
	type Passage,
	poststopSteps,
	restartSteps,
	type Step,
	startClass,
	transition,
} from "../../sdk/index.ts";

/** What a mode adds to the scripts. */
export interface Traffic {
	/** As `<service mode>` names it. */
	mode: string;
	/** Before start_both: what the application binds to. */
	set: readonly Step[];
	/** Clients are let in, once the application runs. */
	open: readonly Step[];
	/** Clients are kept out, before the application is stopped. */
	close: readonly Step[];
	/** After stop_both. */
	unset: readonly Step[];
}

/** WAIT→UP. */
export function upSteps({ set, open }: Traffic): Step[] {
	const passage: Passage = { from: "WAIT", to: "UP", action: "start" };
	const classes = ["both", "prim", "sec"] as const;
	return [transition(passage), ...set, ...classes.flatMap((of) => startClass(passage, of)), ...open];
}

/** UP→UP. */
export function restartUpSteps({ close, open }: Traffic, services?: string): Step[] {
	return [...close, ...restartSteps("UP", services), ...open];
}

/** UP→WAIT. */
export function leaveUpSteps({ close }: Traffic, action: string): Step[] {
	return [...close, ...leaveSteps("UP", action)];
}

/** WAIT→STOP. `leftFrom`: UP where it was not left gracefully. */
export function stopSteps({ close, unset }: Traffic, action: string, leftFrom: Passage["from"]): Step[] {
	return [...(leftFrom === "WAIT" ? [] : close), ...forceSteps(action, leftFrom), ...unset, ...poststopSteps(action)];
}

/** What is left to do when a step of the stop failed, or was ended by force. */
export function cleanUpSteps({ unset }: Traffic, action: string): Step[] {
	return [...unset, ...poststopSteps(action)];
}
