/** A checker that the sandbox holds: where it is loaded, and its runs. */
import type { Clock } from "../engine/clock.ts";
import type { Child } from "./child.ts";
import { cellFaults, type Declared, declaredOf } from "./declared.ts";
import { memoryLimits } from "./limits.ts";
import type { Fault, FromProcess, SourceFile } from "./messages.ts";
import type { Outside } from "./outside.ts";
import type { Judge } from "./permissions.ts";
import { type Outcome, Run, type RunInput } from "./run.ts";

export interface CheckerSource {
	/** Checkers with the same word may share an isolate when there are very many: the name of the module. */
	group: string;
	/** Name of the file that exports the checker, and all files: see sources.ts. */
	entry: string;
	files: SourceFile[];
}

export interface HostedHands {
	child(checker: HostedChecker): Child | string;
	remove(checker: HostedChecker): void;
}

/** A checker that the sandbox holds. It is loaded when it is first needed, and again wherever it was lost. */
export class HostedChecker {
	readonly id: number;
	readonly source: CheckerSource;
	readonly #clock: Clock;
	readonly #hands: HostedHands;
	/** It brought a process down: it has one of its own. */
	apart = false;
	/** It brought an isolate down: it shares none. */
	#alone = false;
	#memoryMb: number | null = null;
	#child: Child | null = null;
	#last: Child | null = null;
	#loading: Promise<Declared> | null = null;
	#loaded: ((declared: Declared) => void) | null = null;
	#run: Run | null = null;
	#nextRun = 1;
	/** What `ctx` held last, as JSON, where it is loaded now. */
	#given = "";

	constructor(id: number, source: CheckerSource, clock: Clock, hands: HostedHands) {
		this.id = id;
		this.source = source;
		this.#clock = clock;
		this.#hands = hands;
	}

	/** Loads it, if it is not; what it says of itself. */
	async declared(): Promise<Declared> {
		const child = this.#hands.child(this);
		if (typeof child === "string") return { unknown: child };
		if (this.#loading !== null && this.#child === child) return await this.#loading;
		[this.#child, this.#last] = [child, child];
		this.#loading = this.#load(child);
		const declared = await this.#loading;
		if (!("memoryMb" in declared)) this.#loading = null;
		return declared;
	}

	async #load(child: Child): Promise<Declared> {
		this.#given = "";
		const { group, entry, files } = this.source;
		const declared = new Promise<Declared>((resolve) => {
			this.#loaded = resolve;
		});
		const memoryMb = this.#memoryMb ?? undefined;
		const alone = this.#alone || memoryMb !== undefined;
		child.send({ type: "load", id: this.id, group, alone, memoryMb: memoryMb ?? memoryLimits.usual, entry, files });
		const found = await declared;
		if (!("memoryMb" in found) || found.memoryMb === (this.#memoryMb ?? memoryLimits.usual) || this.#child !== child)
			return found;
		// What it wants is known only now.
		this.#memoryMb = found.memoryMb;
		child.send({ type: "drop", id: this.id });
		return await this.#load(child);
	}

	/** Runs it once; never rejects. At most one run at a time. */
	async run(input: RunInput, outside: Outside, judge: Judge, timeoutMs?: number): Promise<Outcome> {
		const declared = await this.declared();
		if ("wrong" in declared) return { state: "down", reason: declared.wrong, logs: [] };
		if ("unknown" in declared) return { state: "unknown", reason: declared.unknown, logs: [] };
		const child = this.#child;
		if (child === null) return { state: "unknown", reason: "the sandbox was lost", logs: [] };
		const run = this.#nextRun++;
		const started = new Run({
			...{ outside, judge, clock: this.#clock, timeoutMs: timeoutMs ?? declared.timeoutMs },
			answer: (call, isWell, value) =>
				child.send({ type: "answer", id: this.id, run, call, isWell, value, nowMs: outside.now() }),
			giveUp: () => child.giveUp(this.id, run),
			run,
		});
		this.#run = started;
		const given = JSON.stringify({ ...input, state: JSON.stringify(input.state) });
		const news = given === this.#given ? {} : { input: given };
		this.#given = given;
		child.send({ type: "start", id: this.id, run, nowMs: outside.now(), ...news });
		const outcome = await started.outcome;
		if (this.#run === started) this.#run = null;
		if (outcome !== "cut") return outcome;
		// In the middle of whatever it did.
		this.#given = "";
		return await this.run(input, outside, judge, timeoutMs);
	}

	/** It is not needed any more. */
	remove(): void {
		this.#child?.send({ type: "drop", id: this.id });
		this.lost("the checker was stopped");
		this.#hands.remove(this);
	}

	/** It was here last, if it is not here any more. */
	wasIn(child: Child): boolean {
		return this.#last === child;
	}

	lives(child: Child | null): boolean {
		return child !== null && this.#child === child;
	}

	heard(message: Exclude<FromProcess, { type: "ready" | "gone" | "ended" }>): void {
		if (message.type === "loaded") this.#settle(declaredOf(message.said));
		else if (message.type === "notLoaded") this.#settle({ wrong: message.why });
		else if (message.type === "out") this.#run?.heard(message.run, message.out);
		else if (message.type === "cut") this.#run?.cut(message.run);
		else this.#run?.failed(message.run, message.why);
	}

	/** Its isolate is gone. `fault` null: another one is to blame. */
	evicted(fault: Fault | null): void {
		this.#leave();
		if (fault === null) {
			this.lost("another checker of the module took the isolate down with it");
			return;
		}
		this.#alone = true;
		this.#settle({ wrong: cellFaults[fault] });
		this.#run?.end({ state: "down", reason: cellFaults[fault], logs: [], isCostly: true });
	}

	broughtDown(child: Child, why: string): void {
		const again = this.apart ? "its own process" : "the sandbox process; from now on it has one of its own";
		this.apart = true;
		// After its isolate was taken away it may be somewhere else already.
		if (this.#child !== null && this.#child !== child) return;
		this.#leave();
		const reason = `it brought down ${again} (${why})`;
		this.#settle({ wrong: reason });
		this.#run?.end({ state: "down", reason, logs: [], isCostly: true });
	}

	lost(why: string): void {
		this.#leave();
		this.#settle({ unknown: why });
		this.#run?.end({ state: "unknown", reason: why, logs: [] });
	}

	#leave(): void {
		this.#child = null;
		this.#loading = null;
	}

	#settle(declared: Declared): void {
		const loaded = this.#loaded;
		this.#loaded = null;
		loaded?.(declared);
	}
}
