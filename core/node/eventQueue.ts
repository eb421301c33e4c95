/** Events of one module, decided one at a time in the order in which they came (contract.ts, rule 1). */
import type { EngineEvent } from "../engine/contract.ts";

/** Events that may wait: far more than ever do, because deciding takes microseconds. */
const limit = 10_000;

export interface EventQueueOptions {
	decide(event: EngineEvent): void;
	/** Nothing waits any more. May add events. */
	drained(): void;
	/** Too many wait: one was dropped. */
	dropped(limit: number): void;
}

export class EventQueue {
	readonly #options: EventQueueOptions;
	readonly #waiting: EngineEvent[] = [];
	#draining = false;

	constructor(options: EventQueueOptions) {
		this.#options = options;
	}

	/** Decided before this returns, unless another one is being decided: then after that. */
	add(event: EngineEvent): void {
		if (this.#waiting.length >= limit) {
			this.#options.dropped(limit);
			return;
		}
		this.#waiting.push(event);
		if (!this.#draining) this.#drain();
	}

	#drain(): void {
		this.#draining = true;
		try {
			for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
				this.#options.decide(event);
			}
		} finally {
			this.#draining = false;
		}
		this.#options.drained();
	}
}
