/** The script automaton of the states STOP, WAIT and UP (spec/03 §3). */
import { forceSteps, type Passage, poststopSteps, type Step, startClass, transition } from "../../sdk/index.ts";

/** What a mode adds: its traffic is let in before start_both, and kept out after stop_both. */
export interface Traffic {
	/** As `<service mode>` names it. */
	mode: string;
	open: readonly Step[];
	close: readonly Step[];
}

/** WAIT→UP. */
export function upSteps({ open }: Traffic): Step[] {
	const passage: Passage = { from: "WAIT", to: "UP", action: "start" };
	const classes = ["both", "prim", "sec"] as const;
	return [transition(passage), ...open, ...classes.flatMap((of) => startClass(passage, of))];
}

/** WAIT→STOP. */
export function stopSteps({ close }: Traffic, action: string, leftFrom: Passage["from"]): Step[] {
	return [...forceSteps(action, leftFrom), ...close, ...poststopSteps(action)];
}

/** What is left to do when a step of the stop failed, or was ended by force. */
export function cleanUpSteps({ close }: Traffic, action: string): Step[] {
	return [...close, ...poststopSteps(action)];
}
