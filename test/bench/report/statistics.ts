/** From samples to rows: medians and spreads, and ratios taken round by round. */
import type { Measured, RowKind, Sample, SubjectName } from "../measure.ts";

/** A line of the result, as `--json` prints it. */
export interface Row {
	work: string;
	subject: SubjectName;
	median: number;
	min: number;
	max: number;
	unit: string;
	p50Us?: number;
	p99Us?: number;
	samples: number;
}

export interface Spread {
	median: number;
	min: number;
	max: number;
}

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	if (sorted.length === 0) throw new Error("no median of nothing");
	return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
	return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** null: no round succeeded. */
export function rowOf({ kind, subject, samples }: Measured): Row | null {
	const good = samples.filter((sample) => sample !== null);
	if (good.length === 0) return null;
	const spread = spreadOf(good.map(({ value }) => value));
	const row: Row = { work: kind.row, subject, ...rounded(spread), unit: kind.unit, samples: good.length };
	for (const key of ["p50Us", "p99Us"] as const) {
		const values = good.flatMap((sample) => sample[key] ?? []);
		if (values.length > 0) row[key] = round(median(values));
	}
	return row;
}

/**
 * How one subject does against another, by pairs of the same round: the machine's moods are in both.
 */
export function ratio(measured: readonly Measured[], row: string, of: SubjectName, to: SubjectName): Spread | null {
	const [upper, lower] = [find(measured, row, of), find(measured, row, to)];
	const values = upper.flatMap((sample, n) => {
		const other = lower[n] ?? null;
		return sample === null || other === null || other.value === 0 ? [] : [sample.value / other.value];
	});
	return values.length === 0 ? null : spreadOf(values);
}

/** The median latency, microseconds. */
export function p50(measured: readonly Measured[], row: string, subject: SubjectName): number | null {
	const values = find(measured, row, subject).flatMap((sample) => sample?.p50Us ?? []);
	return values.length === 0 ? null : median(values);
}

/** The median of a row. */
export function middle(measured: readonly Measured[], row: string, subject: SubjectName): number | null {
	const values = find(measured, row, subject).flatMap((sample) => sample?.value ?? []);
	return values.length === 0 ? null : median(values);
}

/** Rows in the order in which they were measured first. */
export function kindsOf(measured: readonly Measured[]): RowKind[] {
	return [...new Map(measured.map(({ kind }) => [kind.row, kind])).values()];
}

function find(measured: readonly Measured[], row: string, subject: SubjectName): (Sample | null)[] {
	return measured.find((each) => each.kind.row === row && each.subject === subject)?.samples ?? [];
}

function rounded(spread: Spread): Spread {
	return { median: round(spread.median), min: round(spread.min), max: round(spread.max) };
}

/** Four digits say more than any of these measurements knows. */
function round(value: number): number {
	return Number(value.toPrecision(4));
}
