/** A clock that a test turns by hand. */
import type { Alarm, Clock } from "../../core/engine/clock.ts";

export class ManualClock implements Clock {
	#nowMs = 0;
	#alarms: { atMs: number; call: () => void }[] = [];

	nowMs(): number {
		return this.#nowMs;
	}

	wallMs(): number {
		return this.#nowMs;
	}

	after(delayMs: number, call: () => void): Alarm {
		const alarm = { atMs: this.#nowMs + Math.max(0, delayMs), call };
		this.#alarms.push(alarm);
		return {
			cancel: () => {
				this.#alarms = this.#alarms.filter((each) => each !== alarm);
			},
		};
	}

	/** What is due within this time is called, in order. */
	pass(ms: number): void {
		const untilMs = this.#nowMs + ms;
		for (;;) {
			const [next] = this.#alarms.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
			if (next === undefined) break;
			this.#alarms = this.#alarms.filter((each) => each !== next);
			this.#nowMs = next.atMs;
			next.call();
		}
		this.#nowMs = untilMs;
	}
}
