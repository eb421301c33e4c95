import test from "ava";
import type { Automaton } from "../../core/engine/contract.ts";
import { step } from "../../core/engine/loop.ts";
import { mirror } from "../../plugins/mirror/automaton.ts";
import { config } from "./records.ts";

const start = { type: "command", command: "start", who: "root", atMs: 1, wallMs: 1 } as const;

test("a step decides, says what to announce, and leaves the old state alone", (t) => {
	const before = mirror.initial(config());
	const copy = structuredClone(before);
	const result = step(mirror, before, start);
	t.deepEqual(before, copy);
	t.true(result.changed);
	t.is(result.announcement.main, "WAIT");
	t.false(step(mirror, before, { type: "timer", name: "unknown", atMs: 2, wallMs: 2 }).changed);
});

test("a state that contradicts itself stops the step with a sentence", (t) => {
	const broken: Automaton<ReturnType<typeof mirror.initial>> = {
		...mirror,
		decide: (state) => ({ state: { ...state, serving: true }, effects: [] }),
	};
	const error = t.throws(() => step(broken, mirror.initial(config()), start));
	t.regex(error?.message ?? "", /a stopped module does not serve/);
});

test("a state goes through JSON and back unchanged", (t) => {
	const { state } = step(mirror, mirror.initial(config()), start);
	t.deepEqual(JSON.parse(JSON.stringify(state)), state);
});
