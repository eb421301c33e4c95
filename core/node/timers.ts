/** Named timers of a module. They end with the daemon; the automaton arms them again when it is resumed. */
import type { Alarm, Clock } from "../engine/clock.ts";

export class Timers {
	readonly #alarms = new Map<string, Alarm>();
	readonly #clock: Clock;
	readonly #fired: (name: string) => void;

	constructor(clock: Clock, fired: (name: string) => void) {
		this.#clock = clock;
		this.#fired = fired;
	}

	/** Arms or re-arms a timer. */
	arm(name: string, afterMs: number): void {
		this.disarm(name);
		this.#wait(name, this.#clock.nowMs() + Math.max(0, afterMs));
	}

	disarm(name: string): void {
		this.#alarms.get(name)?.cancel();
		this.#alarms.delete(name);
	}

	disarmAll(): void {
		for (const name of [...this.#alarms.keys()]) this.disarm(name);
	}

	#wait(name: string, deadlineMs: number): void {
		const alarm = this.#clock.after(deadlineMs - this.#clock.nowMs(), () => {
			// A timer may fire a moment early.
			if (this.#clock.nowMs() < deadlineMs) return this.#wait(name, deadlineMs);
			this.disarm(name);
			this.#fired(name);
		});
		this.#alarms.set(name, alarm);
	}
}
