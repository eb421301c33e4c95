/** What was aimed at, and whether this run got there. */
import type { Measured, SubjectName } from "../measure.ts";
import { middle, p50, ratio } from "./statistics.ts";
import { type Cells, shown } from "./table.ts";

interface Aim {
	what: string;
	aim: string;
	/** null: not measured. */
	found(measured: readonly Measured[]): { value: number; reached: boolean; unit: string } | null;
}

const replicated = "replicated-second";
const sealed = "replicated-second-sealed";

function timesAtLeast(what: string, row: string, of: SubjectName, to: SubjectName, least: number): Aim {
	return {
		what: `${what}, ${of} ÷ ${to}`,
		aim: `≥ ${least}`,
		found(measured) {
			const value = ratio(measured, row, of, to)?.median;
			return value === undefined ? null : { value, reached: value >= least, unit: "" };
		},
	};
}

function atLeast(what: string, row: string, least: number, unit: string): Aim {
	return {
		what: `${what}, ${replicated}`,
		aim: `≥ ${shown(least)} ${unit}`,
		found(measured) {
			const value = middle(measured, row, replicated);
			return value === null ? null : { value, reached: value >= least, unit };
		},
	};
}

function atMost(what: string, row: string, most: number, unit: string): Aim {
	return {
		what: `${what}, ${replicated}`,
		aim: `≤ ${shown(most)} ${unit}`,
		found(measured) {
			const value = middle(measured, row, replicated);
			return value === null ? null : { value, reached: value <= most, unit };
		},
	};
}

const aims: Aim[] = [
	timesAtLeast("pgbench -c 4", "pgbench-4", replicated, "native", 0.85),
	{
		what: `4 KiB random write ×1, p50, ${replicated}`,
		aim: "≤ 60 µs",
		found(measured) {
			const value = p50(measured, "random-write-4k-1", replicated);
			return value === null ? null : { value, reached: value <= 60, unit: "µs" };
		},
	},
	timesAtLeast("4 KiB random write ×1", "random-write-4k-1", replicated, "gluster", 4),
	atLeast("4 KiB random write ×4", "random-write-4k-4", 40_000, "op/s"),
	timesAtLeast("4 KiB random write ×4", "random-write-4k-4", replicated, "gluster", 6),
	timesAtLeast("sequential write 1 MiB", "sequential-write-1m", replicated, "native", 0.48),
	timesAtLeast("sequential write 1 MiB", "sequential-write-1m", sealed, "native", 0.4),
	atLeast("create small files", "create", 8000, "op/s"),
	timesAtLeast("create small files", "create", replicated, "gluster", 10),
	atLeast("unlink", "unlink", 12_000, "op/s"),
	timesAtLeast("full resync against the slower of disk and link", "resync-full", replicated, "native", 0.9),
	atMost("1 % of 1,000,000 files changed while the peer was away", "resync-delta", 10, "s"),
	atMost("resync after a primary crash, 100 GB", "resync-crash", 5, "s"),
	atMost("failover beyond detection and application start, clean", "failover-clean", 100, "ms"),
	atMost("memory of the primary's process, 1,000,000 files and a file of 1 TB", "memory-primary", 400, "MB"),
	atMost("memory of the secondary's process, the same", "memory-secondary", 400, "MB"),
];

export function aimTable(measured: readonly Measured[]): Cells {
	const rows = aims.map(({ what, aim, found }) => {
		const result = found(measured);
		if (result === null) return [what, aim, "not measured", ""];
		return [what, aim, `${shown(result.value)} ${result.unit}`.trim(), result.reached ? "reached" : "missed"];
	});
	return [["what", "aim", "this run", ""], ...rows];
}
