/** What happens to a module whose automaton contradicts itself: nothing that led there may stand. */
import type { Step, WatchClass } from "../engine/contract.ts";
import { forceSteps, virtualAddress, watch } from "../engine/steps.ts";
import type { Refusal } from "./effects.ts";

/** Number of the plan that brings the module down; automata count from 1. */
export const emergencyPlan = -1;

const classes: WatchClass[] = ["sec", "prim", "second", "both", "pre"];

/** All checkers, the application by force, then its address, then its data. */
export const emergencySteps: Step[] = [
	...classes.map((of) => watch(of, false)),
	...forceSteps("stop", "WAIT"),
	virtualAddress(false),
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
