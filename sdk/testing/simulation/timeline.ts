/** What happened on both servers, and when: recorded always, printed when a test fails or on demand. */

/**
 * What an event is about. `world`: what the test does to the servers, and what checkers ask for; `rule`: a failover rule
 * acts or holds the module; `log`: a line of the module's log (levels C, E, U, S and W).
 *
 * @example
 * const rules = both.timeline.events.filter(({ kind }) => kind === "rule");
 */
export type EventKind = "state" | "script" | "resource" | "rule" | "command" | "log" | "address" | "world";

/**
 * Something that happened.
 *
 * @example
 * { atMs: 1640, server: "n1", kind: "state", text: "ALONE Transient → ALONE Ready" }
 */
export interface TimelineEvent {
	/** Virtual milliseconds since the cluster was made. */
	atMs: number;
	/** Null: it concerns both, such as a network that is cut. */
	server: string | null;
	kind: EventKind;
	text: string;
}

/** Events that are kept; a run of days forgets its oldest. */
const limit = 20_000;

/**
 * All that happened on both servers, oldest first; the newest 20,000 events are kept.
 *
 * @example
 * assert.ok(both.timeline.events.some(({ text }) => text.includes("failover rule c_web")));
 */
export class Timeline {
	readonly events: TimelineEvent[] = [];
	/** How many are not kept any more. */
	forgotten = 0;
	readonly #nowMs: () => number;

	constructor(nowMs: () => number) {
		this.#nowMs = nowMs;
	}

	add(server: string | null, kind: EventKind, text: string): void {
		this.events.push({ atMs: this.#nowMs(), server, kind, text });
		if (this.events.length <= limit) return;
		this.events.splice(0, limit / 10);
		this.forgotten += limit / 10;
	}
}
