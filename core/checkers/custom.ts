/** A custom checker: a program of the module that loops and sets its resource itself (spec/02 §10). */
import type { Alarm, Clock } from "../engine/clock.ts";
import type { ProcessIdentity } from "../scripts/system.ts";

/** A program that runs, of this daemon or of an earlier one. */
export interface Program extends ProcessIdentity {
	ended: Promise<unknown>;
}

export interface ProgramHands {
	/** Starts the program with its arguments; rejects with a sentence when that cannot be. */
	start(): Promise<Program>;
	/** One that an earlier daemon started: by what was noted of it, or by its environment. Null: none lives. */
	adopt(noted: ProcessIdentity | null): Program | null;
	/** Ends it with all that it started. */
	end(program: ProcessIdentity): Promise<void>;
}

export interface CustomOptions {
	clock: Clock;
	hands: ProgramHands;
	log(level: "E" | "I", text: string): void;
	/** The program that runs now, to be noted for a next daemon; null: none. */
	runs(program: ProcessIdentity | null): void;
	/** How long a program that ends is not started again, at first and at most. */
	backOffMs?: { first: number; most: number };
}

const usual = { first: 1000, most: 60_000 };

export class CustomChecker {
	readonly #options: CustomOptions;
	readonly #backOff: { first: number; most: number };
	#program: Program | null = null;
	#starting: Promise<void> = Promise.resolve();
	#timer: Alarm | undefined;
	#delayMs: number;
	#over = false;

	/** `noted`: what an earlier daemon said of the program; undefined: nothing can be left of an earlier one. */
	constructor(options: CustomOptions, noted?: ProcessIdentity | null) {
		this.#options = options;
		this.#backOff = options.backOffMs ?? usual;
		this.#delayMs = this.#backOff.first;
		const found = noted === undefined ? null : options.hands.adopt(noted);
		if (found === null) this.#start();
		else this.#watch(found);
	}

	/** Resolves when nothing of the program is left. */
	async stop(): Promise<void> {
		this.detach();
		// A start that is on its way sees that it came too late.
		await this.#starting;
		const program = this.#program;
		this.#program = null;
		if (program !== null) await this.#options.hands.end(program);
		this.#options.runs(null);
	}

	/** Lets the program run on: the daemon ends, the module does not. */
	detach(): void {
		this.#over = true;
		this.#timer?.cancel();
	}

	#start(): void {
		this.#starting = this.#options.hands.start().then(
			(program) => this.#watch(program),
			(error: unknown) => this.#again(`could not be started: ${error instanceof Error ? error.message : error}`),
		);
	}

	#watch(program: Program): void {
		const begunMs = this.#options.clock.nowMs();
		this.#program = program;
		this.#options.runs({ pid: program.pid, startTime: program.startTime });
		void program.ended.then(async () => {
			if (this.#over) return;
			// What it started would run beside the next one.
			await this.#options.hands.end(program);
			if (this.#over) return;
			this.#program = null;
			this.#options.runs(null);
			if (this.#options.clock.nowMs() - begunMs >= this.#backOff.most) this.#delayMs = this.#backOff.first;
			this.#again("ended");
		});
	}

	#again(what: string): void {
		if (this.#over) return;
		const delayMs = this.#delayMs;
		this.#delayMs = Math.min(2 * delayMs, this.#backOff.most);
		// Told at every longer wait; one that never lives long fills no log.
		const level = delayMs < this.#backOff.most || this.#backOff.first === this.#backOff.most ? "E" : "I";
		this.#options.log(level, `${what}; it is started again in ${Math.round(delayMs / 1000)} s`);
		this.#timer = this.#options.clock.after(delayMs, () => this.#start());
	}
}
