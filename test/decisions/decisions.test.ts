/**
 * Golden decisions. `m*.json`: a row of the mirror table (spec/01 §3), events in, states and all effects out;
 * `light-*.json` and `farm-*.json`: the same for the light mode and the farm (spec/01 §4).
 * `meet-*.json`: a row of the meeting table (replication.md §5.7). A bug report becomes one more file.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import type { Automaton, EngineEvent, ModeConfig } from "../../core/engine/contract.ts";
import { step } from "../../core/engine/loop.ts";
import { type Meeting, meet, type Side } from "../../core/engine/meeting.ts";
import { farm } from "../../plugins/farm/automaton.ts";
import { light, upAutomaton } from "../../plugins/light/automaton.ts";
import { mirror } from "../../plugins/mirror/automaton.ts";
import { renderEffect } from "./render.ts";

interface Transition {
	row: string;
	title: string;
	config: ModeConfig;
	steps: { atMs: number; event: EngineEvent; state: string; effects: (string | string[])[]; rule?: string; why?: string }[];
}

interface Meetings {
	row: string;
	title: string;
	cases: { mine: Side; theirs: Side; expect: Meeting }[];
}

const folder = import.meta.dirname;
const names = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));

// biome-ignore lint/suspicious/noExplicitAny: a state belongs to its automaton; here only what all have is looked at
const automata: Record<string, Automaton<any>> = { light: upAutomaton(light), farm };

for (const name of names.filter((each) => /^(m\d|light-|farm-)/.test(each))) {
	const file: Transition = read(name);
	const automaton = automata[name.split("-")[0] ?? ""] ?? mirror;
	test(`${file.row}: ${file.title} (${name})`, (t) => {
		let state = automaton.initial(file.config);
		for (const [index, expected] of file.steps.entries()) {
			const { atMs } = expected;
			const result = step(automaton, state, { ...expected.event, atMs, wallMs: 1_800_000_000_000 + atMs });
			state = JSON.parse(JSON.stringify(result.state));
			const where = `step ${index + 1}, ${JSON.stringify(expected.event).slice(0, 200)}`;
			t.is(`${state.main} ${state.status}`, expected.state, where);
			t.deepEqual(result.effects.map(renderEffect), expected.effects, where);
			const view = automaton.view(state);
			if (expected.rule !== undefined) t.is(view.rule, expected.rule, where);
			if (expected.why !== undefined) t.is(view.why, expected.why, where);
			t.true(JSON.stringify(automaton.announce(state)).length <= 1000, "an announcement fits into a pulse");
		}
	});
}

for (const name of names.filter((each) => each.startsWith("meet-"))) {
	const file: Meetings = read(name);
	test(`${file.row}: ${file.title} (${name})`, (t) => {
		for (const { mine, theirs, expect } of file.cases) {
			t.deepEqual(meet(mine, theirs), expect);
			t.deepEqual(meet(theirs, mine), mirrored(expect), "the other node comes to the same");
		}
	});
}

/** The same meeting as the other node sees it. */
function mirrored(meeting: Meeting): Meeting {
	const outcomes: Partial<Record<Meeting["outcome"], Meeting["outcome"]>> = { BEHIND: "PEER_BEHIND", PEER_BEHIND: "BEHIND" };
	const outcome = outcomes[meeting.outcome] ?? meeting.outcome;
	if (!meeting.go) return { ...meeting, outcome };
	return { ...meeting, outcome, source: meeting.source === "mine" ? "theirs" : "mine" };
}

test("every row of both tables has a golden file", (t) => {
	const rows = new Set<string>();
	for (const name of names) rows.add(read(name).row);
	const transitions = Array.from({ length: 27 }, (_, i) => `M${i + 1}`);
	const outcomes = [
		"NEW",
		"UNRELATED",
		"HALF_COPIED",
		"ROLLED_BACK",
		"DIVERGED",
		"BEHIND",
		"FAR_BEHIND",
		"SERVING",
		"RESUME",
		"CRASHED_PRIMARY",
		"CRASHED_SECONDARY",
		"BLACKOUT",
		"EQUAL",
	];
	const missing = [...transitions, ...outcomes, "PEER_BEHIND"].filter((row) => !rows.has(row));
	t.deepEqual(missing, []);
});
