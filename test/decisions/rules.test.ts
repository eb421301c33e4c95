/**
 * Golden decisions of the failover machine (spec/02 §11). `rules-conditions.json`: each operator and wildcard, with
 * resources in and what becomes of the condition. The other `rules-*.json`: rules and checkers of a module, and a
 * protocol of what happens and what the machine then says. `next`: when it looks again if nothing happens.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import type { MainState } from "../../core/engine/contract.ts";
import { builtInRules, defaultRules, type RuledChecker } from "../../core/engine/rules/defaults.ts";
import { evaluate, type Facts } from "../../core/engine/rules/evaluate.ts";
import { isLua } from "../../core/engine/rules/lua.ts";
import { look, noMemory, type RuleEvent } from "../../core/engine/rules/machine.ts";
import { parseRules } from "../../core/engine/rules/parse.ts";
import { ruleSetOf } from "../../core/engine/rules/ruleSet.ts";

interface World {
	local?: Record<string, string>;
	/** Absent: the other server is not heard. */
	remote?: Record<string, string>;
	/** Nobody keeps these up to date (`checker off`). */
	muted?: string[];
	cluster?: boolean;
}

interface Conditions {
	cases: (World & { when: string; is: string })[];
}

interface Protocol {
	row: string;
	title: string;
	sections?: string[];
	extends?: boolean;
	handleTimeMs?: number;
	checkers?: RuledChecker[];
	steps: {
		atMs: number;
		main?: MainState;
		idle?: boolean;
		/** null: the resource is gone. */
		set?: Record<string, string | null>;
		remote?: Record<string, string> | null;
		/** What the automaton says that it is held by. */
		held?: string[];
		muted?: string[];
		/** The daemon was started anew and remembers nothing. */
		forgotten?: true;
		says: string[];
		next: number | null;
	}[];
}

const folder = import.meta.dirname;
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const conditions: Conditions = read("rules-conditions.json");
const protocols = readdirSync(folder).filter((name) => /^rules-(?!conditions)/.test(name)).sort();

function values(record: Readonly<Record<string, string>>) {
	return { get: (name: string) => record[name], names: () => Object.keys(record) };
}

function facts({ local = {}, remote, muted = [], cluster = true }: World): Facts {
	return {
		local: values(local),
		remote: remote === undefined ? null : values(remote),
		cluster,
		muted: (name) => muted.includes(name),
	};
}

for (const { when, is, ...world } of conditions.cases) {
	test(`${when} with ${JSON.stringify(world)} is ${is}`, (t) => {
		const [rule] = parseRules(`r: if (${when}) then wait();`, true);
		if (rule === undefined) return t.fail();
		const { truth, init } = evaluate(rule.when, facts(world));
		t.is(init === null ? truth : `${truth}: ${init} is init`, is);
	});
}

function said({ rule, action, holds, init }: RuleEvent): string {
	if (init !== undefined) return `${rule} waits for ${init}`;
	return holds ? `${action} by ${rule}` : `${rule} lets go`;
}

for (const name of protocols) {
	const file: Protocol = read(name);
	test(`${file.row}: ${file.title} (${name})`, (t) => {
		const sections = (file.sections ?? []).map((text) => ({ language: isLua(text) ? ("lua" as const) : ("rules" as const), text }));
		const { extends: inherits = true, handleTimeMs = 15_000, checkers = [] } = file;
		const set = ruleSetOf({ sections, extends: inherits, handleTimeMs, checkers });
		let memory = noMemory;
		const world: World = { local: {} };
		let [main, idle]: [MainState, boolean] = ["STOP", true];
		for (const [index, one] of file.steps.entries()) {
			main = one.main ?? main;
			idle = one.idle ?? idle;
			for (const [resource, value] of Object.entries(one.set ?? {})) {
				const { [resource]: _, ...others } = world.local ?? {};
				world.local = value === null ? others : { ...others, [resource]: value };
			}
			if (one.remote === null) delete world.remote;
			else if (one.remote !== undefined) world.remote = one.remote;
			world.muted = one.muted ?? world.muted ?? [];
			if (one.forgotten === true) memory = noMemory;
			const seen = look(set, memory, { atMs: one.atMs, main, idle, held: one.held ?? [], facts: facts(world) });
			memory = JSON.parse(JSON.stringify(seen.memory));
			const where = `step ${index + 1}, at ${one.atMs}`;
			t.deepEqual(seen.events.map(said), one.says, where);
			t.is(seen.nextMs, one.next, where);
		}
	});
}

test("every default rule, every kind of generated rule and every action has a golden file", (t) => {
	const all = protocols.map((name) => readFileSync(join(folder, name), "utf8")).join();
	const labels = [...defaultRules.map(({ label }) => label), "t_", "p_", "c_", "tcp_failure", "ping_failure"];
	const actions = ["stop", "wait", "stopstart", "swap", "restart"];
	t.deepEqual([...labels, ...actions].filter((text) => !new RegExp(`(by|lets go|for) ${text}|${text} by|${text}\\S* lets go`).test(all)), []);
});

test("rules that the automaton carries out itself are listed and never evaluated", (t) => {
	const set = ruleSetOf({ sections: [], extends: true, handleTimeMs: 0, checkers: [] });
	const labels = set.rules.map(({ label }) => label);
	t.deepEqual(builtInRules.filter(({ label }) => labels.includes(label)), []);
	t.true(builtInRules.some(({ label }) => label === "splitbrain_failure"));
});
