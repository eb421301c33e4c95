/** Looks at the failover rules of a module whenever something changed, and when a handle_time is over (spec/02 §11). */
import type { Alarm, Clock } from "../engine/clock.ts";
import type { MainState } from "../engine/contract.ts";
import { evaluate, type Facts, type Truth, type Values } from "../engine/rules/evaluate.ts";
import { look, noMemory, type RuleEvent, type RuleMemory } from "../engine/rules/machine.ts";
import { type ActiveRule, type RuleSet, ruleSetOf } from "../engine/rules/ruleSet.ts";
import type { Resources } from "../log/resources.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";

/** Looks in a row, each because the one before said something: far more than rules have actions. */
const lookLimit = 1000;

/** What the loop asks of the module that it belongs to. */
export interface RuledModule {
	readonly configuration: ModuleConfiguration;
	readonly resources: Resources;
	/** Resources of the other server, as it last told them. */
	readonly peerResources: Readonly<Record<string, string>>;
	/** No transition runs. */
	readonly idle: boolean;
	view(): { main: MainState; held: readonly string[]; peer: { state: string } };
}

export class RuleLoop {
	readonly #module: RuledModule;
	readonly #clock: Clock;
	readonly #deliver: (event: RuleEvent) => void;
	#set: RuleSet;
	#watched: ReadonlySet<string> = new Set();
	#memory: RuleMemory = noMemory;
	#timer: Alarm | undefined;
	#looking = false;
	#closed = false;

	/** @throws RuleFault for rules that cannot be read; `config` refuses those. */
	constructor(module: RuledModule, clock: Clock, deliver: (event: RuleEvent) => void) {
		this.#module = module;
		this.#clock = clock;
		this.#deliver = deliver;
		this.#set = this.#read();
	}

	/** The rules or the checkers of the configuration changed. */
	reread(): void {
		this.#set = this.#read();
		this.look();
	}

	/** Something may have changed. What a rule does is delivered before this returns. */
	look(): void {
		if (this.#looking || this.#closed) return;
		this.#looking = true;
		try {
			for (let rounds = 0; rounds < lookLimit && !this.#closed; rounds++) {
				const { main, held } = this.#module.view();
				const moment = { atMs: this.#clock.nowMs(), main, held, idle: this.#module.idle, facts: this.#facts() };
				const { memory, events, nextMs } = look(this.#set, this.#memory, moment);
				this.#memory = memory;
				this.#arm(nextMs);
				for (const event of events) this.#deliver(event);
				if (events.length === 0) return;
			}
		} finally {
			this.#looking = false;
		}
	}

	/** Each rule with what becomes of its condition now. */
	list(): { rule: ActiveRule; truth: Truth }[] {
		const facts = this.#facts();
		return this.#set.rules.map((rule) => ({ rule, truth: evaluate(rule.when, facts).truth }));
	}

	close(): void {
		this.#closed = true;
		this.#timer?.cancel();
	}

	#read(): RuleSet {
		const { failoverRules, checkers } = this.#module.configuration;
		this.#watched = new Set(checkers.map(({ resource }) => resource));
		return ruleSetOf({ ...failoverRules, checkers });
	}

	#facts(): Facts {
		const { resources, peerResources } = this.#module;
		const heard = this.#module.view().peer.state !== "UNKNOWN";
		const off = (setting: string): boolean => resources.get(`usersetting.${setting}`)?.value === "off";
		const [checkersOff, errdOff] = [off("checker"), off("errd")];
		return {
			local: { get: (name) => resources.get(name)?.value, names: () => resources.names() },
			remote: heard ? valuesOf(peerResources) : null,
			cluster: heard,
			muted: (name) => (checkersOff && this.#watched.has(name)) || (errdOff && name.startsWith("proc.")),
		};
	}

	#arm(nextMs: number | null): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		if (nextMs === null) return;
		// A timer may fire a moment early.
		const afterMs = Math.max(1, nextMs - this.#clock.nowMs() + 1);
		this.#timer = this.#clock.after(afterMs, () => this.look());
	}
}

function valuesOf(record: Readonly<Record<string, string>>): Values {
	return { get: (name) => (Object.hasOwn(record, name) ? record[name] : undefined), names: () => Object.keys(record) };
}
