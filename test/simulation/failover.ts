/** Failover rules on a simulated server: the real machine over resources that faults set. */
import type { MainState } from "../../core/engine/contract.ts";
import { look, noMemory, type RuleEvent, type RuleMemory } from "../../core/engine/rules/machine.ts";
import { ruleSetOf } from "../../core/engine/rules/ruleSet.ts";

/** What a rule of the simulation does; each has a resource of its own. */
export const simulatedActions = ["wait", "restart", "stopstart", "swap", "stop"] as const;
export type SimulatedAction = (typeof simulatedActions)[number];

const text = simulatedActions.map((action) => `r_${action}: if (custom.${action} == down) then ${action}();`);
const set = ruleSetOf({
	sections: [{ language: "rules", text: text.join("\n") }],
	extends: false,
	handleTimeMs: 1000,
	checkers: [],
});

export interface RuledServer {
	nowMs(): number;
	main(): MainState;
	idle(): boolean;
	held(): readonly string[];
	deliver(event: RuleEvent): void;
	/** Calls back in this life of the daemon only. */
	after(delayMs: number, run: () => undefined): void;
}

export class SimulatedRuleLoop {
	readonly #server: RuledServer;
	readonly #resources = new Map<string, string>();
	#memory: RuleMemory = noMemory;
	#looking = false;
	#turn = 0;

	constructor(server: RuledServer) {
		this.#server = server;
	}

	set(action: SimulatedAction, down: boolean): undefined {
		this.#resources.set(`custom.${action}`, down ? "down" : "up");
		this.look();
	}

	/** A new daemon remembers nothing but the resources. */
	forget(): undefined {
		this.#memory = noMemory;
	}

	look(): undefined {
		// A server to which nothing has happened yet has nothing to look at, and runs as if there were no rules.
		if (this.#looking || this.#resources.size === 0) return;
		this.#looking = true;
		const { nowMs, main, idle, held, deliver, after } = this.#server;
		const local = { get: (name: string) => this.#resources.get(name), names: () => this.#resources.keys() };
		const facts = { local, remote: null, cluster: true, muted: () => false };
		for (let events: RuleEvent[] | null = null; events === null || events.length > 0; ) {
			const seen = look(set, this.#memory, { atMs: nowMs(), main: main(), idle: idle(), held: held(), facts });
			this.#memory = seen.memory;
			events = seen.events;
			const turn = ++this.#turn;
			if (seen.nextMs !== null) after(seen.nextMs - nowMs(), () => (turn === this.#turn ? this.look() : undefined));
			for (const event of events) deliver(event);
		}
		this.#looking = false;
	}
}
