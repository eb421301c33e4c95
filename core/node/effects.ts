/** Effects of a decision, handed to whoever carries them out. Plans are started by the loop itself. */
import type { Effect, LogLevel } from "../engine/contract.ts";
import type { ReplicationOrder } from "../engine/replication.ts";
import type { Timers } from "./timers.ts";

/** Why a command was refused, as the automaton says it. */
export interface Refusal {
	code: string;
	message: string;
	remedy: string;
}

export interface EffectTargets {
	write(origin: string, level: LogLevel, text: string): void;
	resource(name: string, value: string, renew: boolean): void;
	order(order: ReplicationOrder): void;
	timers: Timers;
	abort(plan: number): void;
	ping(): void;
	witness(): void;
	answer(request: number, refused: Refusal | null): void;
	reboot(): void;
}

export function carryOut(effect: Effect, to: EffectTargets): void {
	switch (effect.type) {
		case "log":
			to.write(effect.origin, effect.level, effect.text);
			break;
		case "resource":
			to.resource(effect.name, effect.value, effect.renew === true);
			break;
		case "replication":
			to.order(effect.order);
			break;
		case "armTimer":
			to.timers.arm(effect.name, effect.afterMs);
			break;
		case "disarmTimer":
			to.timers.disarm(effect.name);
			break;
		case "abortPlan":
			to.abort(effect.plan);
			break;
		case "ping":
			to.ping();
			break;
		case "witness":
			to.witness();
			break;
		case "answer":
			to.answer(effect.request, effect.refused ?? null);
			break;
		case "reboot":
			to.reboot();
			break;
		case "durable":
			// Done already: the state is stored before its effects are carried out.
			break;
	}
}

/** Effects that a restarted daemon carries out again, because nobody knows whether they were. All are idempotent. */
export function isRepeatable(effect: Effect): boolean {
	return ["replication", "ping", "witness", "abortPlan"].includes(effect.type);
}
