/**
 * The loop of the data thread: everything that touches replicated data happens in it, one thing at a time, so the
 * order of local effect is the order of numbers without any lock (replication.md §5.2). It never returns to Node's
 * event loop while it runs: promises and Node's timers do not fire in this thread; use callbacks and `timer`.
 */
import { poll } from "../errno.ts";
import type { PolledDescriptor, ProcessCalls } from "../system.ts";

export interface Cancel {
	cancel(): void;
}

interface Watched extends PolledDescriptor {
	handler: (revents: number) => void;
}

interface Timed {
	atMs: number;
	run: () => void;
}

/** A sleep ends after this at the latest, so that a thread that is being ended can end. */
const longestSleepMs = 1000;
/** Under constant load one background slice runs for so many rounds. */
const roundsPerSlice = 4;

export class DataLoop {
	readonly #system: ProcessCalls;
	readonly #watched = new Map<number, Watched>();
	#polled: Watched[] | null = null;
	readonly #timers = new Set<Timed>();
	readonly #idle: { slice: () => boolean }[] = [];
	#posted: (() => void)[] = [];
	#stopped = false;

	constructor(system: ProcessCalls) {
		this.#system = system;
	}

	/** Monotonic milliseconds. */
	now(): number {
		return performance.now();
	}

	/** Calls `handler` whenever `fd` has one of `events` (or an error); again for the same fd: replaces both. */
	watch(fd: number, events: number, handler: (revents: number) => void): void {
		this.#watched.set(fd, { fd, events, revents: 0, handler });
		this.#polled = null;
	}

	/** Must be called before the descriptor is closed. */
	unwatch(fd: number): void {
		this.#watched.delete(fd);
		this.#polled = null;
	}

	/** Runs `run` once, `ms` milliseconds from now. */
	timer(ms: number, run: () => void): Cancel {
		const timed = { atMs: this.now() + ms, run };
		this.#timers.add(timed);
		return { cancel: () => this.#timers.delete(timed) };
	}

	/** Runs `run` in the next round, before anything is read. */
	post(run: () => void): void {
		this.#posted.push(run);
	}

	/**
	 * Background work in bounded slices: `slice` does a few milliseconds of work and returns true while there is
	 * more. Slices of several tasks take turns; they run when nothing is ready, and at least in every fourth round.
	 */
	idle(slice: () => boolean): Cancel {
		const task = { slice };
		this.#idle.push(task);
		return { cancel: () => this.#drop(task) };
	}

	/** Runs until `stop`. What a handler throws ends the loop and comes out here: it is a defect. */
	run(): void {
		for (let round = 1; !this.#stopped; round++) {
			const ready = this.#handle(this.#sleepMs());
			this.#runPosted();
			this.#runTimers();
			if (this.#idle.length > 0 && (ready <= 0 || round % roundsPerSlice === 0)) this.#runSlice();
		}
	}

	stop(): void {
		this.#stopped = true;
	}

	#sleepMs(): number {
		if (this.#idle.length > 0 || this.#posted.length > 0) return 0;
		let until = this.now() + longestSleepMs;
		for (const timed of this.#timers) until = Math.min(until, timed.atMs);
		return Math.max(0, Math.ceil(until - this.now()));
	}

	#handle(timeoutMs: number): number {
		this.#polled ??= [...this.#watched.values()];
		const polled = this.#polled;
		const ready = this.#system.poll(polled, timeoutMs);
		if (ready <= 0) return ready;
		for (const entry of polled) {
			// A handler before this one may have taken the watch away, or put another in its place.
			if (entry.revents === 0 || this.#watched.get(entry.fd) !== entry || this.#stopped) continue;
			entry.handler(entry.revents);
		}
		return ready;
	}

	#runPosted(): void {
		const posted = this.#posted;
		this.#posted = [];
		for (const run of posted) run();
	}

	#runTimers(): void {
		const now = this.now();
		const due = [...this.#timers].filter((timed) => timed.atMs <= now).sort((a, b) => a.atMs - b.atMs);
		for (const timed of due) if (this.#timers.delete(timed)) timed.run();
	}

	#runSlice(): void {
		const task = this.#idle.shift();
		if (task === undefined) return;
		this.#idle.push(task);
		if (!task.slice()) this.#drop(task);
	}

	#drop(task: { slice: () => boolean }): void {
		const index = this.#idle.indexOf(task);
		if (index >= 0) this.#idle.splice(index, 1);
	}
}

/** True when a watched descriptor has ended or failed. */
export function hungUp(revents: number): boolean {
	return (revents & (poll.ERR | poll.HUP)) !== 0;
}
