/** Looks at the failover rules of a module whenever something changed, and when a handle_time is over (spec/02 §11). */
import type { MainState } from "../engine/contract.ts";
import { evaluate, type Facts, type Truth, type Values } from "../engine/rules/evaluate.ts";
import { look, noMemory, type RuleEvent, type RuleMemory } from "../engine/rules/machine.ts";
import { type ActiveRule, type RuleSet, ruleSetOf } from "../engine/rules/ruleSet.ts";
import type { Resources } from "../log/resources.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";

/** setTimeout cannot wait longer; a look too early does no harm. */
const longestMs = 2_000_000_000;
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
	readonly #nowMs: () => number;
	readonly #deliver: (event: RuleEvent) => void;
	#set: RuleSet;
	#watched: ReadonlySet<string> = new Set();
	#memory: RuleMemory = noMemory;
	#timer: NodeJS.Timeout | undefined;
	#looking = false;
	#closed = false;

	/** @throws RuleFault for rules that cannot be read; `config` refuses those. */
	constructor(module: RuledModule, nowMs: () => number, deliver: (event: RuleEvent) => void) {
		this.#module = module;
		this.#nowMs = nowMs;
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
				const moment = { atMs: this.#nowMs(), main, held, idle: this.#module.idle, facts: this.#facts() };
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
		clearTimeout(this.#timer);
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
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (nextMs === null) return;
		// A timer may fire a moment early.
		const afterMs = Math.min(longestMs, Math.max(1, nextMs - this.#nowMs() + 1));
		this.#timer = setTimeout(() => this.look(), afterMs);
	}
}

function valuesOf(record: Readonly<Record<string, string>>): Values {
	return { get: (name) => (Object.hasOwn(record, name) ? record[name] : undefined), names: () => Object.keys(record) };
}
