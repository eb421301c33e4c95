/** What a module that knows only STOP, WAIT and UP remembers between two events. */
import {
	type CommandEvent,
	type Holding,
	type LoopCounter,
	type ModeConfig,
	ModeContext,
	noErrors,
	nothingHolds,
	type Status,
} from "../../sdk/index.ts";

/** Where the module is in its life; `main` and `status` are what persons see of it. */
export type Phase = "stopped" | "starting" | "waiting" | "up" | "stopping";
export type PlanKind = "start" | "open" | "restart" | "leave" | "stop" | "cleanUp";

export interface Stopping {
	/** Start again afterwards: stopstart, stopwait. */
	again: boolean;
	/** Third argument of scripts. */
	action: "stop" | "stopstart" | "stopwait";
	/** The plan that runs now, or is to come. */
	stage: "leave" | "stop" | "cleanUp";
	/** The sentence that a person reads once the module is stopped, if nobody ordered the stop. */
	why?: string;
}

export interface UpState {
	config: ModeConfig;
	phase: Phase;
	main: "STOP" | "WAIT" | "UP";
	status: Status;
	rule: string | null;
	/** Failover rules of action wait. */
	holding: Holding;
	why: string;
	plan: { number: number; kind: PlanKind } | null;
	plans: number;
	/** A command that waits for the running plan to end. */
	next: CommandEvent | null;
	stopping: Stopping | null;
	loop: LoopCounter;
}

export class Context extends ModeContext<UpState, PlanKind> {}

/** The state of a stopped module. */
export function initialState(config: ModeConfig): UpState {
	return {
		config,
		phase: "stopped",
		main: "STOP",
		status: "NotReady",
		rule: null,
		holding: nothingHolds,
		why: "The module is stopped",
		plan: null,
		plans: 0,
		next: null,
		stopping: null,
		loop: noErrors,
	};
}
