/**
 * The order of scripts (spec/03 §3), row by row as the documentation prints it, held against the plans that the golden
 * decisions expect; and what every plan keeps around its scripts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";

interface Golden {
	config: { replicated: boolean };
	steps: { effects: (string | string[])[] }[];
}

const read = (name: string): Golden => JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8"));
const names = readdirSync(import.meta.dirname).filter((name) => /^(m\d|light-|farm-).*\.json$/.test(name));

/** The lines of every plan of a golden file, in the order in which they run. */
const plansOf = (name: string): string[][] =>
	read(name).steps.flatMap(({ effects }) => effects.filter((effect) => Array.isArray(effect)).map(([, ...plan]) => plan));

/** `stop_prim force ALONE WAIT stop` → script, passage, action. */
const script = /^(\w+?( force)?) (STOP|WAIT|ALONE|PRIM|SECOND|UP) (STOP|WAIT|ALONE|PRIM|SECOND|UP) (\w+)$/;

/** The scripts of the first run of a passage, as spec/03 §3 writes them. */
function scriptsOf(name: string, from: string, to: string): string {
	const lines = plansOf(name).flat().flatMap((line) => script.exec(line) ?? []);
	const runs: string[] = [];
	for (let i = 0; i < lines.length; i += 6) {
		if (lines[i + 3] === from && lines[i + 4] === to) runs.push(lines[i + 1] as string);
		else if (runs.length > 0 && from !== "PRIM") break;
	}
	return runs.join(" ; ");
}

const restartAlone =
	"stop_sec ; stop_sec force ; stop_prim ; stop_prim force ; stop_both ; stop_both force ; start_both ; start_prim ; start_sec";
const stopped = "stop_sec force ; stop_prim force ; stop_second force ; stop_both force ; poststop ; transition";

/** Called twice, nice then force: the restarts, and stop_prim of a swap. Everything else once. */
const rows: [row: string, file: string, scripts: string][] = [
	["STOP→WAIT", "m01-start-alone.json", "transition ; prestart"],
	["STOP→WAIT", "light-start-stop.json", "transition ; prestart"],
	["WAIT→ALONE", "m01-start-alone.json", "transition ; start_both ; start_prim ; start_sec"],
	["WAIT→UP", "light-start-stop.json", "transition ; start_both ; start_prim ; start_sec"],
	["WAIT→PRIM", "m03-both-start-without-replication.json", "transition ; start_both ; start_prim"],
	["WAIT→SECOND", "m02-start-second.json", "transition ; start_both ; start_second ; start_sec"],
	["ALONE→PRIM", "m12-secondary-stops.json", "stop_sec ; transition"],
	["PRIM→ALONE", "m12-secondary-stops.json", "transition ; start_sec"],
	["SECOND→ALONE", "m10-no-heartbeat.json", "stop_second ; transition ; start_prim"],
	["PRIM→SECOND", "m15-swap-on-prim.json", "stop_prim ; stop_prim force ; transition ; start_second ; start_sec"],
	["SECOND→PRIM", "m15-swap-on-second.json", "stop_sec ; stop_second ; transition ; start_prim"],
	["ALONE→ALONE", "m13-restart-alone.json", restartAlone],
	["UP→UP", "light-restart.json", restartAlone],
	[
		"PRIM→PRIM",
		"m13-restart-prim.json",
		"stop_prim ; stop_prim force ; stop_both ; stop_both force ; start_both ; start_prim",
	],
	[
		"SECOND→SECOND",
		"m13-restart-second.json",
		"stop_sec ; stop_sec force ; stop_second ; stop_second force ; stop_both ; stop_both force ; start_both ; start_second ; start_sec",
	],
	["ALONE→WAIT", "m17-stop-alone.json", "stop_sec ; stop_prim ; stop_both ; transition"],
	["UP→WAIT", "light-start-stop.json", "stop_sec ; stop_prim ; stop_both ; transition"],
	["PRIM→WAIT", "m14-stopstart.json", "stop_prim ; stop_both ; transition"],
	["SECOND→WAIT", "m17-stop-second.json", "stop_sec ; stop_second ; stop_both ; transition"],
	["WAIT→STOP", "m17-stop-alone.json", stopped],
	["WAIT→STOP", "light-start-stop.json", stopped],
	["STOP→WAIT", "farm-start-stop.json", "transition ; prestart"],
	["WAIT→UP", "farm-start-stop.json", "transition ; start_both ; start_prim ; start_sec"],
	["UP→UP", "farm-restart.json", restartAlone],
	["UP→WAIT", "farm-start-stop.json", "stop_sec ; stop_prim ; stop_both ; transition"],
	["WAIT→STOP", "farm-start-stop.json", stopped],
];

for (const [row, file, expected] of rows) {
	test(`${row} (${file})`, (t) => {
		const [from, to] = row.split("→") as [string, string];
		const all = scriptsOf(file, from, to);
		t.is(from === to && /^(light|farm)-/.test(file) ? all.slice(0, expected.length) : all, expected);
	});
}

test("ALONE→SECOND, the edge of a former secondary, goes through STOP: spec/01 M24 is a stopstart", (t) => {
	t.is(scriptsOf("m24-exiting-alone.json", "ALONE", "WAIT"), "stop_sec ; stop_prim ; stop_both ; transition");
	t.is(scriptsOf("m24-exiting-alone.json", "WAIT", "STOP"), stopped);
});

test("checkers of a class run from after its start script to before its stop script", (t) => {
	for (const name of names) {
		for (const plan of plansOf(name)) {
			for (const [index, line] of plan.entries()) {
				const [, whole = "", of] = /^((?:start|stop)_(\w+?)) [A-Z]/.exec(line) ?? [];
				if (whole.startsWith("start_")) t.is(plan[index + 1], `checkers ${of} on`, `${name}: ${line}`);
				if (whole.startsWith("stop_")) t.is(plan[index - 1], `checkers ${of} off`, `${name}: ${line}`);
				if (line.startsWith("prestart ")) t.is(plan[index + 1], "checkers pre on", name);
				if (line.startsWith("poststop ")) t.is(plan[index - 1], "checkers pre off", name);
			}
		}
	}
});

test("the third argument: stop, stopstart, stopwait", (t) => {
	const actions = (name: string): string[] => [
		...new Set(
			plansOf(name)
				.flat()
				.flatMap((line) => script.exec(line)?.[5] ?? []),
		),
	];
	t.deepEqual(actions("m17-stop-alone.json"), ["start", "stop"]);
	t.deepEqual(actions("light-stopstart.json"), ["start", "stopstart"]);
	t.deepEqual(actions("light-wait-rule.json"), ["start", "stopwait", "stopstart"]);
});

/** The places of lines in a plan, -1 where a line is missing. */
const places = (plan: string[], ...lines: string[]): number[] =>
	lines.map((line) => plan.findIndex((each) => each.startsWith(line)));

test("the mirror's address is there before start_prim and until after stop_prim force; replication longer", (t) => {
	const alone = plansOf("m01-start-alone.json").find((plan) => plan.some((line) => line.startsWith("start_prim"))) ?? [];
	const opened = places(alone, 'order {"order":"serve"', "start_both", "vip on", "start_prim");
	t.deepEqual([...opened].sort((a, b) => a - b), opened);
	t.true(opened.every((place) => place >= 0));
	const stop = plansOf("m17-stop-alone.json").find((plan) => plan.some((line) => line.startsWith("poststop"))) ?? [];
	const closed = places(stop, "stop_both force", "vip off", 'order {"order":"close"', "poststop");
	t.deepEqual([...closed].sort((a, b) => a - b), closed);
	t.true(closed.every((place) => place >= 0));
});

test("a farm's address is there before start_both and until after stop_both; clients come later and go earlier", (t) => {
	const plans = plansOf("farm-start-stop.json");
	const [, up = [], leave = [], down = []] = plans;
	t.deepEqual(up.slice(0, 3), ["transition WAIT UP start", "vip on", "start_both WAIT UP start"]);
	t.is(up.at(-1), "traffic open");
	t.is(leave[0], "traffic closed");
	t.deepEqual(down.slice(3, 5), ["stop_both force WAIT STOP stop", "vip off"]);
	const restart = plansOf("farm-restart.json").filter((plan) => plan.some((line) => line.startsWith("start_both UP")));
	for (const plan of restart) t.deepEqual([plan[0], plan.at(-1)], ["traffic closed", "traffic open"]);
	t.is(restart.length, 2);
});

test("whatever ends a farm's module gives its clients away and takes the address", (t) => {
	for (const name of names.filter((each) => each.startsWith("farm-"))) {
		const plans = plansOf(name);
		const opens = plans.findLastIndex((plan) => plan.includes("traffic open"));
		const ends = plans.findLastIndex((plan) => plan.some((line) => line.startsWith("poststop")));
		if (ends < opens) continue;
		const after = plans.slice(opens + 1).flat();
		const ending = new Set(after.filter((line) => /^(traffic|vip)/.test(line)));
		t.deepEqual([...ending].slice(0, 2), ["traffic closed", "vip off"], name);
	}
});
