/** The working copy of a module's state during one step: what the rules of a mode read, change and ask for. */
import type { Effect, LogLevel, Stamped, Step } from "./contract.ts";
import type { Refusal } from "./refusal.ts";
import type { ReplicationOrder } from "./replication.ts";

/** What the state of every mode has: the plan that runs, and how many there were. */
export interface Planned<Kind extends string> {
	plan: { number: number; kind: Kind } | null;
	plans: number;
}

/**
 * One step of an automaton: its rules change the copy `s` of the state and add effects, in order. Times in
 * milliseconds.
 *
 * @example
 * const ctx = new ModeContext<State, "starting">(state, event);
 * ctx.log("heart", "I", "begins");
 * ctx.arm("retry", 5000);
 * return { state: ctx.s, effects: ctx.effects };
 */
export class ModeContext<S extends Planned<Kind>, Kind extends string> {
	readonly s: S;
	readonly event: Stamped;
	readonly effects: Effect[] = [];
	/** Something holds the module in WAIT (NotReady) after this step. */
	blocked = false;

	/** The state is copied one level deep: what lies deeper is replaced, never changed in place. */
	constructor(state: S, event: Stamped) {
		this.s = { ...state };
		this.event = event;
	}

	log(origin: string, level: LogLevel, text: string): void {
		this.effects.push({ type: "log", origin, level, text });
	}

	order(order: ReplicationOrder): void {
		this.effects.push({ type: "replication", order });
	}

	arm(name: string, afterMs: number): void {
		this.effects.push({ type: "armTimer", name, afterMs });
	}

	/** What this step remembers has to survive a power cut. */
	durable(): void {
		this.effects.push({ type: "durable" });
	}

	disarm(...names: string[]): void {
		for (const name of names) this.effects.push({ type: "disarmTimer", name });
	}

	resource(name: string, value: string): void {
		this.effects.push({ type: "resource", name, value });
	}

	/** Dated anew even if the value is the same. */
	renew(name: string, value: string): void {
		this.effects.push({ type: "resource", name, value, renew: true });
	}

	plan(kind: Kind, steps: Step[]): void {
		const number = this.s.plans + 1;
		this.s.plans = number;
		this.s.plan = { number, kind };
		this.effects.push({ type: "plan", plan: number, steps });
	}

	/** Tells a caller that its command is carried out, or why not. */
	answer(request: number | null | undefined, refused?: Refusal): void {
		if (request === null || request === undefined) return;
		this.effects.push({ type: "answer", request, ...(refused === undefined ? {} : { refused }) });
	}
}
