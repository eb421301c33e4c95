/** Repeats a test at fixed times. One that is late shifts no later one, and no two run at once. */
import type { Alarm, Clock } from "../engine/clock.ts";
import type { Probe, Verdict } from "./probe.ts";

export interface PaceOptions {
	clock: Clock;
	intervalMs: number;
	/** A test that takes longer counts as down. */
	timeoutMs: number;
	probe: Probe;
	/** The first test begins so much later. */
	delayMs?: number;
	/** Not called any more once `stop` was. */
	told(verdict: Verdict): void;
}

/** How long a test that was given up may still take before the next one is left out in its favour. */
const settleMs = 50;

export class Pace {
	readonly #options: PaceOptions;
	readonly #begunMs: number;
	#timer: Alarm | undefined;
	/** Number of the next test; its time is that many intervals after the first. */
	#next = 0;
	/** The test that runs. */
	#running: AbortController | null = null;
	#stopped = false;

	get #clock(): Clock {
		return this.#options.clock;
	}

	/** The first test begins at once, without waiting for the caller to end. */
	constructor(options: PaceOptions) {
		this.#options = options;
		this.#begunMs = this.#clock.nowMs() + (options.delayMs ?? 0);
		this.#arm();
	}

	stop(): void {
		this.#stopped = true;
		this.#timer?.cancel();
		this.#running?.abort();
	}

	#arm(): void {
		const { intervalMs } = this.#options;
		const dueMs = this.#begunMs + this.#next * intervalMs;
		this.#timer = this.#clock.after(dueMs - this.#clock.nowMs(), () => void this.#test());
	}

	async #test(): Promise<void> {
		const { intervalMs, timeoutMs, probe, told } = this.#options;
		// After a machine has slept or a daemon was held, the tests that were missed are not made up for.
		this.#next = Math.max(this.#next + 1, Math.ceil((this.#clock.nowMs() - this.#begunMs + 1) / intervalMs));
		this.#arm();
		if (this.#running !== null) return;
		const abort = new AbortController();
		this.#running = abort;
		const timer = this.#clock.after(timeoutMs, () => abort.abort());
		const running = probe(abort.signal).catch(failed);
		void running.finally(() => {
			timer.cancel();
			this.#running = null;
		});
		const verdict = await Promise.race([running, overdue(abort.signal, timeoutMs, this.#clock)]);
		if (!this.#stopped) told(verdict);
	}
}

function failed(error: unknown): Verdict {
	return { up: false, why: error instanceof Error ? error.message : String(error) };
}

/** For a test that does not notice that it was given up. */
function overdue(signal: AbortSignal, timeoutMs: number, clock: Clock): Promise<Verdict> {
	return new Promise((resolve) => {
		const late = (): void => {
			clock.after(settleMs, () => resolve({ up: false, why: `no answer within ${timeoutMs} ms` }));
		};
		if (signal.aborted) late();
		else signal.addEventListener("abort", late, { once: true });
	});
}
