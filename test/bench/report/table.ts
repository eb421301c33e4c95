/** Tables for people: how each subject does against the disk itself, and the numbers themselves. */
import { lessIsBetter, type Measured, type SubjectName, subjectNames } from "../measure.ts";
import { kindsOf, middle, type Row, ratio, rowOf, type Spread } from "./statistics.ts";

/** A table as rows of cells, the first one being its head. */
export type Cells = string[][];

export function subjectsOf(measured: readonly Measured[]): SubjectName[] {
	return subjectNames.filter((name) => measured.some(({ subject }) => subject === name));
}

/** Medians on the disk, and of every other subject the ratio to it with its spread. Empty without the disk. */
export function ratios(measured: readonly Measured[]): Cells {
	const others = subjectsOf(measured).filter((name) => name !== "native");
	const rows = kindsOf(measured).flatMap(({ row, title, unit }) => {
		const native = middle(measured, row, "native");
		if (native === null) return [];
		const cells = others.map((name) => spreadText(ratio(measured, row, name, "native")));
		return [[`${title}${lessIsBetter(unit) ? " (less is better)" : ""}`, `${shown(native)} ${unit}`, ...cells]];
	});
	return rows.length === 0 ? [] : [["work ÷ native", "native", ...others], ...rows];
}

/** Every row: median, spread and latencies. */
export function numbers(measured: readonly Measured[]): Cells {
	const rows = measured.flatMap((each) => {
		const row = rowOf(each);
		if (row === null) return [[each.kind.title, each.subject, "failed", "", "", "", ""]];
		const latency = (us: number | undefined): string => (us === undefined ? "" : `${shown(us)} µs`);
		const spread = `${shown(row.min)}–${shown(row.max)}`;
		const cells = [`${shown(row.median)} ${row.unit}`, spread, latency(row.p50Us), latency(row.p99Us)];
		return [[each.kind.title, each.subject, ...cells, String(row.samples)]];
	});
	return [["work", "subject", "median", "spread", "p50", "p99", "rounds"], ...rows];
}

export function rowsOf(measured: readonly Measured[]): Row[] {
	return measured.map(rowOf).filter((row) => row !== null);
}

/** Columns under each other, for a terminal. */
export function asText(cells: Cells): string {
	const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => width(line[column] ?? ""))));
	const line = (parts: string[]): string =>
		parts
			.map((part, column) => part + " ".repeat(widths[column]! - width(part)))
			.join("  ")
			.trimEnd();
	return cells.map(line).join("\n");
}

export function asMarkdown(cells: Cells): string {
	const line = (parts: string[]): string => `| ${parts.join(" | ")} |`;
	const [head = [], ...rest] = cells;
	return [line(head), line(head.map(() => "---")), ...rest.map(line)].join("\n");
}

/** Four digits at most, without an exponent. */
export function shown(value: number): string {
	if (value >= 1000) return Math.round(value).toLocaleString("en");
	return String(Number(value.toPrecision(3)));
}

function spreadText(spread: Spread | null): string {
	if (spread === null) return "–";
	const digits = (value: number): string => value.toFixed(value < 0.1 ? 3 : 2);
	return `${digits(spread.median)} (${digits(spread.min)}–${digits(spread.max)})`;
}

function width(text: string): number {
	return [...text].length;
}
