/** What the runner says of tests: their results, and what happened on both servers. */
import { timeInWords } from "../duration.ts";
import type { TimelineEvent } from "../simulation/timeline.ts";

/** The result of one test. */
export interface TestResult {
	/** Relative to the module's folder. */
	file: string;
	name: string;
	result: "passed" | "failed" | "skipped";
	/** Real milliseconds. */
	ms: number;
	/** Virtual milliseconds that passed. */
	virtualMs: number;
	/** Why it failed, in words, with the place in the test file where there is one. */
	error?: string;
	timeline?: TimelineEvent[];
}

/** The newest events that are printed. */
const eventLimit = 400;
const column = 58;

/** One line of a result, and what belongs to it. */
export function resultAsText({ name, result, ms, virtualMs, error, timeline }: TestResult): string {
	if (result === "skipped") return `  – ${name} (skipped)\n`;
	const took = `${timeInWords(Math.max(1, ms))}${virtualMs > 0 ? `, ${timeInWords(virtualMs)} virtual` : ""}`;
	const said = error === undefined ? "" : `${indent(error, 6)}\n`;
	const happened = timeline === undefined ? "" : `\n${timelineAsText(timeline)}\n`;
	return `  ${result === "passed" ? "✔" : "✘"} ${name} (${took})\n${said}${happened}`;
}

/** Both servers side by side: time, n1, n2. */
export function timelineAsText(events: readonly TimelineEvent[]): string {
	const shown = events.slice(-eventLimit);
	const lines = [
		...(shown.length < events.length ? [`      … ${events.length - shown.length} earlier events`] : []),
		line("time", "n1", "n2"),
		line("", "─".repeat(column - 2), "─".repeat(20)),
	];
	let last = -1;
	for (const event of shown) {
		const text = `${event.kind.padEnd(8)} ${event.text}`;
		const time = event.atMs === last ? "" : clockTime(event.atMs);
		last = event.atMs;
		if (event.server === null) lines.push(line(time, `══ ${event.text}`, ""));
		else lines.push(event.server === "n1" ? line(time, text, "") : line(time, "", text));
	}
	return lines.join("\n");
}

function line(time: string, first: string, second: string): string {
	const left = first.length > column - 2 && second !== "" ? `${first.slice(0, column - 3)}…` : first;
	return `      ${time.padStart(14)}  ${second === "" ? left : left.padEnd(column)}${second}`.trimEnd();
}

/** `0:00:07.310`, `1d 02:00:00.000`. */
export function clockTime(ms: number): string {
	const whole = Math.floor(ms);
	const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
	const days = Math.floor(whole / 86_400_000);
	const rest = whole % 86_400_000;
	const time = `${two((rest / 60_000) % 60)}:${two((rest / 1000) % 60)}.${String(rest % 1000).padStart(3, "0")}`;
	const hours = Math.floor(rest / 3_600_000);
	return days > 0 ? `${days}d ${two(hours)}:${time}` : `${hours}:${time}`;
}

function indent(text: string, by: number): string {
	return text
		.split("\n")
		.map((each) => " ".repeat(by) + each)
		.join("\n");
}
