/** The pure part of the runtime's loop: one event, one decision, checked. */
import type { Announcement, Automaton, Effect, Stamped } from "./contract.ts";

export interface Step<S> {
	state: S;
	/** To be carried out in this order, after the state was stored. */
	effects: Effect[];
	announcement: Announcement;
	/** False if the step changed nothing that has to be stored. */
	changed: boolean;
}

/**
 * Decides one event and checks the result, in production too. Throws AssertionError when the new state contradicts
 * itself: the caller keeps the old state, logs the sentence and stops the module.
 */
export function step<S>(automaton: Automaton<S>, state: S, event: Stamped): Step<S> {
	const decision = automaton.decide(state, event);
	automaton.assertInvariants(decision.state);
	return {
		state: decision.state,
		effects: decision.effects,
		announcement: automaton.announce(decision.state),
		changed: JSON.stringify(decision.state) !== JSON.stringify(state),
	};
}
