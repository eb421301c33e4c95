/**
 * The loop of the data thread: everything that touches replicated data happens in it, one thing at a time, so the
 * order of local effect is the order of numbers without any lock (replication.md §5.2). It never returns to Node's
 * event loop while it runs: promises and Node's timers do not fire in this thread; use callbacks and `timer`.
 */
import { poll } from "../errno.ts";
import type { PolledDescriptor, ProcessCalls } from "../system.ts";
import { Patience } from "./patience.ts";

export interface Cancel {
	cancel(): void;
}

interface Watched extends PolledDescriptor {
	handler: (revents: number) => void;
}

/** Does what can be done without waiting; true when that was anything. */
type Attempt = () => boolean;

interface Timed {
	atMs: number;
	run: () => void;
}

/** A sleep ends after this at the latest, so that a thread that is being ended can end. */
const longestSleepMs = 1000;
const secondMs = 1000;
/** Under constant load one background slice runs for so many rounds. */
const roundsPerSlice = 4;
/** Under constant load descriptors without an attempt are asked for in so many rounds. */
const roundsPerPoll = 32;

export class DataLoop {
	readonly #system: ProcessCalls;
	readonly #watched = new Map<number, Watched>();
	#polled: Watched[] | null = null;
	#attempts: { attempt: Attempt; isPolled: boolean; active: boolean }[] = [];
	readonly #patience = new Patience();
	readonly #asleep = new Int32Array(new SharedArrayBuffer(4));
	readonly #timers = new Set<Timed>();
	/** No timer is due before this. */
	#nextTimerMs = 0;
	readonly #everySecond = new Set<() => void>();
	#isTicking = false;
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

	/** 1 while the thread sleeps: whoever has work for it then must write to a descriptor that it watches. */
	get asleep(): Int32Array {
		return this.#asleep;
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

	/**
	 * Calls `attempt` in every round, also while the thread only looks for work: cheaper and sooner than to be told by
	 * poll. For what is watched besides, since the thread does sleep when nothing comes. `isPolled`: poll sees by itself
	 * that there is work, so it is not looked for once more before a sleep.
	 */
	attempt(attempt: Attempt, isPolled = false): Cancel {
		const entry = { attempt, isPolled, active: true };
		this.#attempts = [...this.#attempts, entry];
		return {
			cancel: () => {
				entry.active = false;
				this.#attempts = this.#attempts.filter((other) => other !== entry);
			},
		};
	}

	/** Runs `run` once, `ms` milliseconds from now. */
	timer(ms: number, run: () => void): Cancel {
		const timed = { atMs: this.now() + ms, run };
		this.#timers.add(timed);
		this.#nextTimerMs = Math.min(this.#nextTimerMs, timed.atMs);
		return { cancel: () => this.#timers.delete(timed) };
	}

	/**
	 * Runs `run` about once a second, together with whatever else is run so: a thread that has nothing to do is woken once
	 * for all of them, which is most of what it costs.
	 */
	everySecond(run: () => void): Cancel {
		// One function may be given twice.
		const own = (): void => run();
		this.#everySecond.add(own);
		if (!this.#isTicking) this.#tick();
		return { cancel: () => this.#everySecond.delete(own) };
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
			const worked = this.#attempt();
			const now = this.now();
			if (worked) this.#patience.worked(now);
			const handled = round % roundsPerPoll === 0 && this.#poll(0) > 0;
			this.#runPosted();
			if (now >= this.#nextTimerMs) this.#runTimers();
			const isQuiet = !worked && !handled;
			if (this.#idle.length > 0) {
				if (isQuiet || round % roundsPerSlice === 0) this.#runSlice();
			} else if (isQuiet && !this.#stopped) this.#rest(now);
		}
	}

	stop(): void {
		this.#stopped = true;
	}

	/** Nothing to do: others may have the core for a moment, or the thread sleeps. */
	#rest(now: number): void {
		if (this.#posted.length > 0) return;
		if (this.#attempts.length > 0 && this.#patience.looks(now)) {
			this.#system.yield();
			return;
		}
		Atomics.store(this.#asleep, 0, 1);
		// Work that came between the last attempt and the word above told nobody.
		const ready = this.#attempt(true) ? 1 : this.#poll(this.#sleepMs(now));
		Atomics.store(this.#asleep, 0, 0);
		if (ready <= 0) return;
		const woken = this.now();
		this.#patience.woken(woken, woken - now);
		this.#patience.worked(woken);
	}

	#sleepMs(now: number): number {
		return this.#posted.length > 0 ? 0 : Math.max(0, Math.min(longestSleepMs, Math.ceil(this.#nextTimerMs - now)));
	}

	#attempt(exceptPolled = false): boolean {
		let worked = false;
		for (const entry of this.#attempts) {
			// One before may have cancelled another, whose descriptor may mean something else by now.
			if (!entry.active || this.#stopped || (exceptPolled && entry.isPolled)) continue;
			if (!entry.attempt()) continue;
			worked = true;
			// What it gave the link to send leaves before anything else is looked at.
			this.#runPosted();
		}
		return worked;
	}

	#poll(timeoutMs: number): number {
		this.#polled ??= [...this.#watched.values()];
		const polled = this.#polled;
		const ready = this.#system.poll(polled, timeoutMs);
		if (timeoutMs > 0) Atomics.store(this.#asleep, 0, 0);
		if (ready <= 0) return ready;
		for (const entry of polled) {
			// A handler before this one may have taken the watch away, or put another in its place.
			if (entry.revents === 0 || this.#watched.get(entry.fd) !== entry || this.#stopped) continue;
			entry.handler(entry.revents);
		}
		return ready;
	}

	#runPosted(): void {
		if (this.#posted.length === 0) return;
		const posted = this.#posted;
		this.#posted = [];
		for (const run of posted) run();
	}

	#runTimers(): void {
		const now = this.now();
		const due = [...this.#timers].filter((timed) => timed.atMs <= now).sort((a, b) => a.atMs - b.atMs);
		for (const timed of due) if (this.#timers.delete(timed)) timed.run();
		this.#nextTimerMs = Number.POSITIVE_INFINITY;
		for (const { atMs } of this.#timers) this.#nextTimerMs = Math.min(this.#nextTimerMs, atMs);
	}

	#tick(): void {
		this.#isTicking = this.#everySecond.size > 0;
		if (!this.#isTicking) return;
		this.timer(secondMs, () => {
			for (const run of [...this.#everySecond]) if (this.#everySecond.has(run)) run();
			this.#tick();
		});
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
