/** A checker in TypeScript: run again and again in the sandbox, its answer set as its resource (design §4). */
import type { Alarm, Clock } from "../engine/clock.ts";
import { asSafekitError } from "../errors.ts";
import type { HostedChecker } from "../sandbox/hosted.ts";
import type { Outside } from "../sandbox/outside.ts";
import type { Judge } from "../sandbox/permissions.ts";
import type { Outcome } from "../sandbox/run.ts";

export interface TypeScriptHands {
	/** Gives its files to the sandbox. @throws SafekitError CHECKER_TOO_MANY */
	add(): Pick<HostedChecker, "declared" | "run" | "remove">;
	outside: Outside;
	judge: Judge;
	module: string;
	variables: Readonly<Record<string, string>>;
}

export interface TypeScriptOptions {
	clock: Clock;
	resource: string;
	args: readonly string[];
	/** Rejects with a SafekitError when its files are no checker. */
	hands(): TypeScriptHands | Promise<TypeScriptHands>;
	set(value: "up" | "down" | "unknown"): void;
	log(level: "E" | "I", text: string): void;
}

/** When the files cannot be read, or the sandbox is away: how soon it is tried again. */
const againMs = { files: 10_000, sandbox: 1000 };
/** Runs of all checkers begin at multiples of this: a thousand at once cost less than half of what they cost apart. */
const togetherMs = 250;
/** One that is to blame for more than its answer runs less and less often: up to so many intervals apart. */
const mostPenalty = 8;
/** Lines that it may cause in the log in a minute. */
const linesAMinute = 30;

export class TypeScriptChecker {
	readonly #options: TypeScriptOptions;
	#checker: ReturnType<TypeScriptHands["add"]> | null = null;
	#hands: TypeScriptHands | null = null;
	#alarm: Alarm | undefined;
	#state: unknown = {};
	#said = "";
	#penalty = 1;
	#over = false;
	#lines = { sinceMs: 0, count: 0 };

	/** The first run begins at once. */
	constructor(options: TypeScriptOptions) {
		this.#options = options;
		this.#after(0, options.clock.nowMs());
	}

	/** Nothing of it runs after that. */
	async stop(): Promise<void> {
		this.detach();
	}

	detach(): void {
		this.#over = true;
		this.#alarm?.cancel();
		this.#checker?.remove();
	}

	#after(delayMs: number, dueMs: number): void {
		this.#alarm = this.#options.clock.after(delayMs, () => void this.#turn(dueMs));
	}

	/** One run, and when the next one is due: at fixed times, none of which is made up for. */
	async #turn(dueMs: number): Promise<void> {
		const { clock } = this.#options;
		const everyMs = await this.#run();
		if (this.#over) return;
		const lateMs = clock.nowMs() - dueMs;
		const exact = dueMs + everyMs * Math.max(1, Math.ceil(lateMs / everyMs));
		const next = Math.ceil(exact / togetherMs) * togetherMs;
		this.#after(next - clock.nowMs(), next);
	}

	/** Resolves to the time between runs. */
	async #run(): Promise<number> {
		const checker = await this.#loaded();
		if (this.#over) return 0;
		if (checker === null || this.#hands === null) return againMs.files;
		const declared = await checker.declared();
		if (this.#over) return 0;
		if (!("everyMs" in declared)) {
			const isWrong = "wrong" in declared;
			const reason = isWrong ? declared.wrong : declared.unknown;
			this.#tell({ state: isWrong ? "down" : "unknown", reason, logs: [] });
			return isWrong ? this.#penalized(againMs.files) : againMs.sandbox;
		}
		const { resource, args } = this.#options;
		const { module, variables, outside, judge } = this.#hands;
		const input = { args, module, self: resource, variables, state: this.#state };
		const outcome = await checker.run(input, outside, judge);
		if (this.#over) return 0;
		if (typeof outcome.kept === "object" && outcome.kept !== null) this.#state = outcome.kept;
		this.#tell(outcome);
		if (outcome.state === "unknown") return Math.min(againMs.sandbox, declared.everyMs);
		if (outcome.isCostly) return this.#penalized(declared.everyMs);
		this.#penalty = 1;
		return declared.everyMs;
	}

	async #loaded(): Promise<ReturnType<TypeScriptHands["add"]> | null> {
		if (this.#checker !== null) return this.#checker;
		try {
			const hands = await this.#options.hands();
			if (this.#over) return null;
			this.#hands = hands;
			this.#checker = hands.add();
		} catch (error) {
			const { message, remedy } = asSafekitError(error);
			const reason = `${message} ${remedy}`;
			this.#tell({ state: "down", reason, logs: [] });
		}
		return this.#checker;
	}

	#penalized(everyMs: number): number {
		this.#penalty = Math.min(mostPenalty, this.#penalty * 2);
		return everyMs * (this.#penalty / 2);
	}

	#tell({ state, reason, logs }: Outcome): void {
		const { resource, set } = this.#options;
		set(state);
		for (const line of logs) this.#log("I", `${resource}: ${line}`);
		const said = `${state} ${reason}`;
		if (said === this.#said) return;
		const wasDown = this.#said.startsWith("down");
		this.#said = said;
		if (state === "up" && reason === "" && !wasDown) return;
		this.#log(state === "up" ? "I" : "E", `${resource} is ${state}${reason === "" ? "" : `: ${reason}`}`);
	}

	#log(level: "E" | "I", text: string): void {
		const nowMs = this.#options.clock.nowMs();
		if (nowMs - this.#lines.sinceMs > 60_000) this.#lines = { sinceMs: nowMs, count: 0 };
		this.#lines.count += 1;
		// A line of the log is a line, whatever a checker puts into it.
		const plain = text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
		if (this.#lines.count <= linesAMinute) this.#options.log(level, plain);
		else if (this.#lines.count === linesAMinute + 1) {
			this.#options.log("E", `${this.#options.resource} says too much: the rest of this minute is left out`);
		}
	}
}
