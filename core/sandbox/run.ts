/** One run of a checker: what it asks for is judged and done, until it has said `up` or `down` or its time is over. */
import type { Alarm, Clock } from "../engine/clock.ts";
import { Calls } from "./calls.ts";
import { runLimits } from "./limits.ts";
import type { Outside } from "./outside.ts";
import type { Judge } from "./permissions.ts";
import { readTurn, type Turn } from "./reading.ts";

/** What `ctx` holds, beside what it can call. */
export interface RunInput {
	args: readonly string[];
	module: string;
	/** The resource that the checker sets. */
	self: string;
	variables: Readonly<Record<string, string>>;
	/** What the run before left in `ctx.state`. */
	state: unknown;
}

export interface Outcome {
	/** `unknown`: the sandbox was lost, through no fault of this checker. */
	state: "up" | "down" | "unknown";
	/** In words, for the module log. */
	reason: string;
	logs: string[];
	/** It took an isolate or a process down, or used too much of a processor: better not at its full pace. */
	isCostly?: boolean;
	/** What it left in `ctx.state`; not there: as it was. */
	kept?: unknown;
}

export interface RunOptions {
	run: number;
	outside: Outside;
	judge: Judge;
	clock: Clock;
	timeoutMs: number;
	answer(call: number, isWell: boolean, value: string): void;
	/** Its time is over, and the isolate may not know. */
	giveUp(): void;
}

export class Run {
	/** `cut`: it has to begin anew, because it held up others. */
	readonly outcome: Promise<Outcome | "cut">;
	readonly #options: RunOptions;
	readonly #calls: Calls;
	readonly #alarm: Alarm;
	readonly #logs: string[] = [];
	#resolve: ((outcome: Outcome | "cut") => void) | null = null;

	constructor(options: RunOptions) {
		const { outside, judge, clock, timeoutMs, answer } = options;
		this.#options = options;
		this.outcome = new Promise((resolve) => {
			this.#resolve = resolve;
		});
		const endMs = clock.nowMs() + timeoutMs;
		this.#calls = new Calls({ outside, judge, answer, leftMs: () => endMs - clock.nowMs() });
		this.#alarm = clock.after(timeoutMs, () => {
			options.giveUp();
			this.end({ state: "down", reason: `it did not finish within ${timeoutMs} ms`, logs: [] });
		});
	}

	/** What came out of the isolate. */
	heard(run: number, out: string): void {
		if (run !== this.#options.run || this.#resolve === null) return;
		const turn = readTurn(out);
		if (turn === null) {
			this.#down("it tampered with what its isolate says");
			return;
		}
		this.#logs.push(...turn.logs.slice(0, runLimits.logLines - this.#logs.length));
		if (turn.done !== undefined) {
			this.end(outcomeOf(turn.done));
			return;
		}
		for (const [call, what, args] of turn.calls) this.#calls.make(call, what, args);
		if (this.#calls.open === 0) this.#down("it waits for something that never comes");
	}

	failed(run: number, why: string): void {
		if (run === this.#options.run) this.end({ state: "down", reason: why, logs: [] });
	}

	cut(run: number): void {
		if (run === this.#options.run) this.#close("cut");
	}

	end(outcome: Outcome): void {
		this.#close({ ...outcome, logs: this.#logs });
	}

	#close(outcome: Outcome | "cut"): void {
		const resolve = this.#resolve;
		if (resolve === null) return;
		this.#resolve = null;
		this.#alarm.cancel();
		this.#calls.close();
		resolve(outcome);
	}

	#down(reason: string): void {
		this.#options.giveUp();
		this.end({ state: "down", reason, logs: [] });
	}
}

function outcomeOf(done: NonNullable<Turn["done"]>): Outcome {
	if ("error" in done) return { state: "down", reason: done.error, logs: [] };
	const { state, reason, kept } = done;
	if (kept === undefined) return { state, reason, logs: [] };
	if (kept.length > runLimits.state) {
		return { state: "down", reason: `its state is over ${runLimits.state / 1024} KiB as JSON`, logs: [] };
	}
	try {
		return { state, reason, logs: [], kept: JSON.parse(kept) };
	} catch {
		return { state: "down", reason: "its state cannot be kept as JSON", logs: [] };
	}
}
