/** Virtual time: it stands still while anything real is under way, and otherwise goes from one call that is due to the next. */
import { setImmediate as turn } from "node:timers/promises";
import type { Alarm, Clock } from "../../../core/engine/clock.ts";
import { Agenda, type Due } from "./agenda.ts";

/** Every run begins at the same moment: a Monday morning. */
const beginMs = Date.UTC(2026, 0, 5, 8);
/** Calls at one moment: something that goes in circles without time passing has no end. */
const callsAtOnce = 50_000;

interface Waiter {
	untilMs: number;
	over: () => boolean;
	resolve: (over: boolean) => void;
	reject: (error: Error) => void;
}

/** Something real that is under way. */
export interface Hold {
	/** It waits for something that only virtual time brings. */
	asleep<T>(virtual: Promise<T>): Promise<T>;
}

export class VirtualClock implements Clock {
	readonly #agenda = new Agenda();
	readonly #waiters = new Set<Waiter>();
	#nowMs = 0;
	/** What keeps time from passing. */
	readonly #real = new Set<object>();
	#woken: () => void = () => {};
	#drives = false;

	/** Milliseconds since the run began. */
	nowMs(): number {
		return this.#nowMs;
	}

	wallMs(): number {
		return beginMs + this.#nowMs;
	}

	after(delayMs: number, call: () => void): Alarm {
		const due: Due = { atMs: this.#nowMs + Math.max(0, delayMs), call };
		this.#agenda.add(due);
		return { cancel: () => this.#agenda.cancel(due) };
	}

	/** Something real is under way: no time passes until it has ended, but while it waits for something virtual. */
	async during<T>(work: (hold: Hold) => Promise<T>): Promise<T> {
		const hold = {};
		let [waiting, ended] = [0, false];
		this.#real.add(hold);
		const asleep = async <V>(virtual: Promise<V>): Promise<V> => {
			waiting++;
			this.#release(hold);
			try {
				return await virtual;
			} finally {
				waiting--;
				if (waiting === 0 && !ended) this.#real.add(hold);
			}
		};
		try {
			return await work({ asleep });
		} finally {
			ended = true;
			this.#release(hold);
		}
	}

	#release(hold: object): void {
		this.#real.delete(hold);
		this.#woken();
	}

	/** Lets time pass until `over` says so (true), or until it has come to `untilMs` (false). Several may wait at once. */
	pass(untilMs: number, over: () => boolean = () => false): Promise<boolean> {
		return new Promise((resolve, reject) => {
			this.#waiters.add({ untilMs, over, resolve, reject });
			if (!this.#drives) void this.#drive();
		});
	}

	async #drive(): Promise<void> {
		this.#drives = true;
		let calls = 0;
		while (this.#waiters.size > 0) {
			await this.#quiet();
			// Whoever has waited goes on before time does.
			if (this.#settle()) continue;
			const endMs = Math.min(...[...this.#waiters].map(({ untilMs }) => untilMs));
			const due = this.#agenda.first();
			if (due === undefined || due.atMs > endMs) {
				this.#nowMs = endMs;
				continue;
			}
			this.#agenda.take();
			calls = due.atMs > this.#nowMs ? 0 : calls + 1;
			if (calls > callsAtOnce) return this.#giveUp();
			this.#nowMs = Math.max(this.#nowMs, due.atMs);
			due.call();
		}
		this.#drives = false;
	}

	/** Whatever follows at once from the last call has happened, and nothing real is under way. */
	async #quiet(): Promise<void> {
		await turn();
		while (this.#real.size > 0) {
			await new Promise<void>((resolve) => {
				this.#woken = resolve;
			});
			await turn();
		}
	}

	/** True: somebody waits no more. */
	#settle(): boolean {
		const before = this.#waiters.size;
		for (const waiter of [...this.#waiters]) {
			try {
				const over = waiter.over();
				if (!over && this.#nowMs < waiter.untilMs) continue;
				this.#waiters.delete(waiter);
				waiter.resolve(over);
			} catch (error) {
				this.#waiters.delete(waiter);
				waiter.reject(error as Error);
			}
		}
		return this.#waiters.size < before;
	}

	#giveUp(): void {
		this.#drives = false;
		const error = new Error(`The simulation goes in circles at ${this.#nowMs} ms: ${callsAtOnce} calls at one moment.`);
		for (const waiter of this.#waiters) waiter.reject(error);
		this.#waiters.clear();
	}
}

/** The clock of one server between two power cuts: what it planned ends with it. */
export class Life implements Clock {
	readonly #clock: VirtualClock;
	readonly #alarms = new Set<Alarm>();
	#over = false;

	constructor(clock: VirtualClock) {
		this.#clock = clock;
	}

	nowMs(): number {
		return this.#clock.nowMs();
	}

	wallMs(): number {
		return this.#clock.wallMs();
	}

	after(delayMs: number, call: () => void): Alarm {
		if (this.#over) return { cancel: () => {} };
		const alarm = this.#clock.after(delayMs, () => {
			this.#alarms.delete(alarm);
			call();
		});
		this.#alarms.add(alarm);
		return {
			cancel: () => {
				this.#alarms.delete(alarm);
				alarm.cancel();
			},
		};
	}

	get over(): boolean {
		return this.#over;
	}

	end(): void {
		this.#over = true;
		for (const alarm of this.#alarms) alarm.cancel();
		this.#alarms.clear();
	}
}
