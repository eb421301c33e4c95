/** The words of the benchmark: what is measured, on what, and what comes out. */

/** What the works run on. `native` is the disk without us; `unreplicated` is our mount without a peer. */
export const subjectNames = [
	"native",
	"unreplicated",
	"replicated-second",
	"replicated-none",
	"replicated-second-sealed",
	"gluster",
] as const;
export type SubjectName = (typeof subjectNames)[number];

export type Unit = "MB/s" | "op/s" | "files/s" | "s" | "ms" | "MB";

/** One measurement. Latencies are of single operations, in microseconds. */
export interface Sample {
	value: number;
	p50Us?: number;
	p99Us?: number;
}

/** A row of the table. One piece of work may measure several. */
export interface RowKind {
	readonly row: string;
	readonly title: string;
	readonly unit: Unit;
}

/** Samples of one row on one subject, in the order of the rounds; null where a round failed. */
export interface Measured {
	readonly kind: RowKind;
	readonly subject: SubjectName;
	readonly samples: (Sample | null)[];
}

/** Seconds, milliseconds and memory: less is better. */
export function lessIsBetter(unit: Unit): boolean {
	return unit === "s" || unit === "ms" || unit === "MB";
}

/** What a piece of work gets. */
export interface Bench {
	readonly quick: boolean;
	/** A folder on the disk itself, for what is prepared once and copied. */
	readonly scratch: string;
	/** Aborted by Ctrl-C; every program that is started ends with it. */
	readonly signal: AbortSignal;
	/** A line of progress. */
	say(line: string): void;
	/** Given up when this returns; in reverse order. */
	atEnd(undo: () => Promise<void> | void): void;
}

/** A place to work in. */
export interface Subject {
	readonly name: SubjectName;
	readonly folder: string;
}

/** Something that is done on every subject, in turn, in every round. */
export interface Work {
	readonly rows: readonly RowKind[];
	/** Debian packages without which it is left out. */
	readonly needs: readonly string[];
	/** `folder` is fresh and empty, on the subject; it is removed afterwards. Keys are the names of the rows. */
	run(bench: Bench, folder: string, subject: Subject): Promise<Record<string, Sample>>;
}

/** Something that builds its own servers: what a resync takes, and memory. */
export interface Scenario {
	readonly rows: readonly RowKind[];
	readonly subjects: readonly SubjectName[];
	run(bench: Bench, subject: SubjectName): Promise<Record<string, Sample[]>>;
}
