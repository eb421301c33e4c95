/** What happens to a module whose automaton contradicts itself: nothing that led there may stand. */
import type { Step } from "../engine/contract.ts";
import type { Refusal } from "./effects.ts";

/** Number of the plan that brings the module down; automata count from 1. */
export const emergencyPlan = -1;

function forced(script: string): Step {
	return { do: "script", script, force: true, from: "WAIT", to: "STOP", action: "stop" };
}

/** The application by force, then its address, then its data. */
export const emergencySteps: Step[] = [
	...["stop_sec", "stop_prim", "stop_second", "stop_both"].map(forced),
	{ do: "vip", set: false },
	{ do: "replication", order: { order: "close" }, until: "closed" },
];

/** What commands hear meanwhile. */
export function emergencyRefusal(module: string): Refusal {
	return {
		code: "NODE_REFUSED",
		message: `Module ${module} is being stopped after an internal contradiction.`,
		remedy: "Run `safekit waitstop`, then `safekit start`.",
	};
}
