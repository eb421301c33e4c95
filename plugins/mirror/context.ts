/** The working copy of a state during one step: what the rules read, change and ask for. */
import type { Effect, LogLevel, Refusal, ReplicationOrder, Stamped, Step } from "../../sdk/index.ts";
import type { MirrorState, PlanKind } from "./state.ts";

export class Context {
	readonly s: MirrorState;
	readonly event: Stamped;
	readonly effects: Effect[] = [];
	/** Something holds the module in WAIT (NotReady) after this step. */
	blocked = false;

	/** The state is copied one level deep: what lies deeper is replaced, never changed in place. */
	constructor(state: MirrorState, event: Stamped) {
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

	plan(kind: PlanKind, steps: Step[]): void {
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
