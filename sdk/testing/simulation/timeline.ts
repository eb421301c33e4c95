/** What happened on both servers, and when: recorded always, printed when a test fails or on demand. */

export type EventKind = "state" | "script" | "resource" | "rule" | "command" | "log" | "address" | "world" | "test";

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
