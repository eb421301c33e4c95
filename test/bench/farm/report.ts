/** What the benchmark of the farm found, beside what was aimed at. */

import { median } from "../report/statistics.ts";
import { asMarkdown, type Cells, shown } from "../report/table.ts";
import type { Planned, Throughput } from "./measurements.ts";

export interface Measured {
	/** One of the reference pairs, a kind of address, or `default`. */
	name: string;
	/** By the server that was lost: the first one leads. */
	lost: { node: string; gapsMs: number[] }[];
	planned: { stop: Planned; back: Planned }[];
	/** Both servers serve. */
	through: Throughput[];
	/** One server serves: through the filter, without any, behind a firewall that knows connections. */
	served: { filtered: Throughput; without: Throughput; tracked: Throughput }[];
}

export interface Facts {
	machine: string;
	commit: string;
	date: string;
	load: number;
	minutes: number;
	problems: readonly string[];
}

/** Of the group with pulses every 100 ms: what passes before a server counts as lost. */
const detection = { default: { n1: 2000, n2: 1000 }, fast: 300 } as const;
const titles: Record<string, string> = {
	keepalived: "keepalived",
	haproxy: "keepalived + haproxy",
	lvs: "keepalived + LVS style",
	vmac_invisible: 'vmac_invisible, mlost_count="3" slost_count="3"',
	vmac_directed: 'vmac_directed, mlost_count="3" slost_count="3"',
	default: "vmac_invisible, membership times by default",
};

type Found = { text: string; reached: boolean } | null;

/** The aims, and whether this run got there. */
export function aims(measured: readonly Measured[]): Cells {
	const of = (name: string): Measured | undefined => measured.find((each) => each.name === name);
	const [ours, slow] = [of("vmac_invisible"), of("default")];
	const rows: [string, string, Found][] = [
		["the leader is lost, default times: beyond its 2 s", "≤ 150 ms", beyond(slow, "n1", detection.default.n1)],
		["another is lost, default times: beyond its 1 s", "≤ 150 ms", beyond(slow, "n2", detection.default.n2)],
		["a server is lost, 3 pulses: beyond their 300 ms", "≤ 150 ms", beyond(ours, null, detection.fast)],
		["a server is lost, default times, in all", "≤ 2,200 ms", most(gaps(slow), 2200, "ms")],
		["a server is lost, 3 pulses, in all", "≤ 500 ms", most(gaps(ours), 500, "ms")],
		["planned stop, longest gap", "≤ 50 ms", most(each(ours, "stop", "gapMs"), 50, "ms")],
		["planned return, longest gap", "≤ 50 ms", most(each(ours, "back", "gapMs"), 50, "ms")],
		["planned stop and return, resets and failures", "0", trouble(ours)],
		["requests through the filter ÷ without any", "≥ 0.97", least(ratios(ours, "without"), 0.97)],
		["the same ÷ behind a firewall that knows connections", "≥ 0.97", least(ratios(ours, "tracked"), 0.97)],
		...["haproxy", "lvs"].flatMap((name): [string, string, Found][] => [
			[`requests per core ÷ ${titles[name]}`, "> 1", least(perCoreRatio(ours, of(name)), 1)],
			[`gap when a server is lost ÷ ${titles[name]}`, "< 1", most(gapRatio(ours, of(name)), 1, "")],
		]),
	];
	const cells = rows.map(([what, aim, found]) => {
		return [what, aim, found?.text ?? "not measured", found === null ? "" : found.reached ? "reached" : "**missed**"];
	});
	return [["aim (worst of all rounds, vmac_invisible)", "aim", "measured", ""], ...cells];
}

/** Everything, by contender. */
export function numbers(measured: readonly Measured[]): Cells {
	const rows = measured.map((each) => [
		titles[each.name] ?? each.name,
		each.lost.map(({ node, gapsMs }) => `${node}: ${gapsMs.map((ms) => ms.toFixed(0)).join(", ")}`).join("; "),
		plannedText(each.planned.map(({ stop }) => stop)),
		plannedText(each.planned.map(({ back }) => back)),
		each.planned.map(({ stop }) => stop.calmGapMs.toFixed(0)).join(", "),
		each.through.length === 0 ? "" : shown(median(each.through.map(({ perSecond }) => perSecond))),
		each.through.length === 0 ? "" : shown(perCore(each)),
	]);
	const head = ["", "server lost, gap, ms", "planned stop: gap, resets, failed", "planned return", "gap before, ms"];
	return [[...head, "requests/s", "per busy core"], ...rows];
}

export function chapter(measured: readonly Measured[], facts: Facts): string {
	const rounds = measured
		.flatMap(({ served }) => served)
		.map(({ filtered, without, tracked }) => [filtered, without, tracked].map((each) => shown(rate(each))).join(", "));
	return `## The farm

Two servers with nginx, clients and a switch in namespaces of one machine, by \`npm run bench -- farm\`. A server is lost:
it has no power from one moment to the next; 8 of its clients open a connection every 10 ms; the longest time without an
answer counts, in each round. Planned: 200 clients with kept connections, a request every 25 ms, which is not part of
the gaps. Adverts of keepalived every 0.1 s. Throughput: wrk with 100 connections to all contenders in turn; all
processors of the machine, with wrk, the switch and a server that gets frames which are not its own.

- Machine: ${facts.machine}
- Commit: ${facts.commit}
- Run: ${facts.date}, ${facts.minutes.toFixed(0)} minutes, load before it ${facts.load.toFixed(2)}
${facts.problems.map((problem) => `- Not measured: ${problem}\n`).join("")}
${asMarkdown(aims(measured))}

${asMarkdown(numbers(measured))}

One server serves and no other has power: requests per busy core through the filter, without any, and behind a firewall
that knows connections, in turn: ${rounds.join("; ") || "not measured"}.
`;
}

function gaps(measured: Measured | undefined, node: string | null = null): number[] {
	return (measured?.lost ?? []).filter((each) => node === null || each.node === node).flatMap(({ gapsMs }) => gapsMs);
}

function beyond(measured: Measured | undefined, node: string | null, detectionMs: number): Found {
	return most(
		gaps(measured, node).map((ms) => ms - detectionMs),
		150,
		"ms",
	);
}

function each(measured: Measured | undefined, when: "stop" | "back", what: "gapMs"): number[] {
	return (measured?.planned ?? []).map((round) => round[when][what]);
}

function trouble(measured: Measured | undefined): Found {
	const counts = (measured?.planned ?? []).flatMap(({ stop, back }) => [stop, back]).map((p) => p.resets + p.failed);
	return counts.length === 0 ? null : most([counts.reduce((sum, count) => sum + count, 0)], 0, "");
}

/** By processor time: beside the server, that of its client and of the switch. */
function ratios(measured: Measured | undefined, to: "without" | "tracked"): number[] {
	const served = measured?.served ?? [];
	return served.length === 0 ? [] : [median(served.map((each) => rate(each.filtered) / rate(each[to])))];
}

function rate({ perSecond, cores }: Throughput): number {
	return perSecond / cores;
}

function perCore({ through }: Measured): number {
	return median(through.map(rate));
}

function perCoreRatio(ours: Measured | undefined, other: Measured | undefined): number[] {
	if (!ours?.through.length || !other?.through.length) return [];
	const pairs = ours.through.slice(0, other.through.length);
	return [median(pairs.map((each, round) => rate(each) / rate(other.through[round] as Throughput)))];
}

/** Medians: the phase of a pulse at the moment of the loss is chance. */
function gapRatio(ours: Measured | undefined, other: Measured | undefined): number[] {
	const [a, b] = [gaps(ours), gaps(other)];
	return a.length === 0 || b.length === 0 ? [] : [median(a) / median(b)];
}

function most(values: readonly number[], limit: number, unit: string): Found {
	if (values.length === 0) return null;
	const value = Math.max(...values);
	return { text: `${unit === "ms" ? value.toFixed(0) : shown(value)} ${unit}`.trim(), reached: value <= limit };
}

function least(values: readonly number[], limit: number): Found {
	if (values.length === 0) return null;
	const value = Math.min(...values);
	return { text: shown(value), reached: value >= limit };
}

function plannedText(rounds: readonly Planned[]): string {
	return rounds.map(({ gapMs, resets, failed }) => `${gapMs.toFixed(0)} ms, ${resets}, ${failed}`).join("; ");
}
