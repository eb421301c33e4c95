/** All that bounds TypeScript checkers, in one place. */

/** What a package may bring. */
export const sourceLimits = {
	/** Files of one checker, with all that it imports. */
	files: 64,
	/** Bytes of them together. */
	bytes: 512 * 1024,
};

/** One run. */
export const runLimits = {
	/** Time on a processor; waiting for answers does not count. */
	cpuMs: 500,
	/** Top-level code of the files: run once, when the checker is loaded. */
	loadMs: 2000,
	/** Calls of the outside. */
	calls: 100,
	callsAtOnce: 8,
	/** Open connections. */
	lines: 8,
	logLines: 20,
	/** Characters of a reason or of a log line. */
	text: 500,
	/** Characters of `state` as JSON. */
	state: 16 * 1024,
	/** Characters that come out of an isolate in one turn: eight bodies, with what JSON adds. */
	turn: 4 * 1024 * 1024,
};

/** Memory of a checker in MB. */
export const memoryLimits = { least: 8, usual: 32, most: 128 };

/** Times of a checker in milliseconds. */
export const timeLimits = {
	every: { usual: 10_000, least: 1000, most: 86_400_000 },
	timeout: { usual: 5000, least: 10, most: 3_600_000 },
};

/** How isolates are shared out: see cells.ts. */
export const cellLimits = {
	/** So many checkers of a server have an isolate of their own; those that come later share, within their module. */
	alone: 16,
	/** Checkers in a shared isolate. */
	together: 64,
};

/** Runs that need no thread of their own: see process/quick.ts. */
export const quickLimits = {
	/** Milliseconds of a processor: whoever used less in its last run counts as quick. */
	cpuMs: 20,
	/** A step of such a one that takes longer (time in all) is cut short, and its run begins again on another thread. */
	cutMs: 1000,
	/** Milliseconds of a processor after which a step that cannot be cut takes the process with it. */
	hangMs: 2000,
};

/** The process in which the isolates live. */
export const processLimits = {
	/** Checkers on a server. */
	checkers: 4096,
	/** Bytes of a message to it or from it. */
	message: 16 * 1024 * 1024,
	/** Bytes that wait to be taken by it; beyond, it counts as dead. */
	waiting: 64 * 1024 * 1024,
	/** What does not begin to work in this time, or does not give up a run that is over, is killed. */
	startMs: 60_000,
	stuckMs: 10_000,
	/** How long it stays away after it died: doubled each time, from the second death on. */
	backOffMs: { first: 500, most: 60_000 },
	/** Checkers that have a process of their own because they brought one down; others of their kind do not run. */
	apart: 8,
	/** MB of data (RLIMIT_DATA) of the shared process and of one apart. */
	dataMb: 1024,
	apartMb: 384,
};
