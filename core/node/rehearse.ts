/** What a command would do now, without doing it. */
import type { Automaton, Stamped, Step } from "../engine/contract.ts";
import type { Refusal } from "./effects.ts";

/** The steps that it would start with, or why it would be refused. Changes nothing. */
export function rehearse(
	automaton: Automaton<unknown>,
	state: unknown,
	event: Stamped,
): { refused: Refusal | null; steps: Step[] } {
	const { effects } = automaton.decide(structuredClone(state), event);
	const answer = effects.find((effect) => effect.type === "answer");
	const plan = effects.find((effect) => effect.type === "plan");
	return { refused: answer?.refused ?? null, steps: plan?.steps ?? [] };
}
