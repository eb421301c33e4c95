/** Calls at the times of a schedule. A clock that is set, or a machine that slept, only shifts the next call. */
import type { Alarm, Clock } from "../engine/clock.ts";
import { nextTime } from "../module/schedule.ts";

/** Timers do not know of clocks that are set: no longer than this until the clock is looked at again. */
const lookMs = 30_000;

export class Schedule {
	readonly #pattern: string;
	readonly #call: () => void;
	#due: number;
	readonly #clock: Clock;
	#timer: Alarm | undefined;

	/** @param pattern five fields as in crontab, checked when the module was configured. */
	constructor(pattern: string, call: () => void, clock: Clock, from = clock.wallMs()) {
		this.#clock = clock;
		this.#pattern = pattern;
		this.#call = call;
		this.#due = this.#after(from);
		this.#arm();
	}

	stop(): void {
		this.#timer?.cancel();
	}

	#after(from: number): number {
		return nextTime(this.#pattern, new Date(from))?.getTime() ?? Number.POSITIVE_INFINITY;
	}

	#arm(): void {
		const left = this.#due - this.#clock.wallMs();
		this.#timer = this.#clock.after(Math.min(left, lookMs), () => this.#look());
	}

	#look(): void {
		const now = this.#clock.wallMs();
		const next = this.#after(now);
		const due = now >= this.#due;
		// Also when the clock was set back: the next time is never further away than the schedule has it.
		if (due || next < this.#due) this.#due = next;
		if (due) this.#call();
		this.#arm();
	}
}
