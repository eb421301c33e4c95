/** Repeats a test at fixed times. One that is late shifts no later one, and no two run at once. */
import type { Probe, Verdict } from "./probe.ts";

export interface PaceOptions {
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
	#timer: NodeJS.Timeout | undefined;
	/** Number of the next test; its time is that many intervals after the first. */
	#next = 0;
	/** The test that runs. */
	#running: AbortController | null = null;
	#stopped = false;

	/** The first test begins at once, without waiting for the caller to end. */
	constructor(options: PaceOptions) {
		this.#options = options;
		this.#begunMs = performance.now() + (options.delayMs ?? 0);
		this.#arm();
	}

	stop(): void {
		this.#stopped = true;
		clearTimeout(this.#timer);
		this.#running?.abort();
	}

	#arm(): void {
		const { intervalMs } = this.#options;
		const dueMs = this.#begunMs + this.#next * intervalMs;
		this.#timer = setTimeout(() => void this.#test(), Math.max(0, dueMs - performance.now()));
	}

	async #test(): Promise<void> {
		const { intervalMs, timeoutMs, probe, told } = this.#options;
		// After a machine has slept or a daemon was held, the tests that were missed are not made up for.
		this.#next = Math.max(this.#next + 1, Math.ceil((performance.now() - this.#begunMs + 1) / intervalMs));
		this.#arm();
		if (this.#running !== null) return;
		const abort = new AbortController();
		this.#running = abort;
		const timer = setTimeout(() => abort.abort(), timeoutMs);
		const running = probe(abort.signal).catch(failed);
		void running.finally(() => {
			clearTimeout(timer);
			this.#running = null;
		});
		const verdict = await Promise.race([running, overdue(abort.signal, timeoutMs)]);
		if (!this.#stopped) told(verdict);
	}
}

function failed(error: unknown): Verdict {
	return { up: false, why: error instanceof Error ? error.message : String(error) };
}

/** For a test that does not notice that it was given up. */
function overdue(signal: AbortSignal, timeoutMs: number): Promise<Verdict> {
	return new Promise((resolve) => {
		const late = (): void => {
			const timer = setTimeout(resolve, settleMs, { up: false, why: `no answer within ${timeoutMs} ms` });
			timer.unref();
		};
		if (signal.aborted) late();
		else signal.addEventListener("abort", late, { once: true });
	});
}
