/**
 * Runs TypeScript checkers (design §4, §8): one process for all, another for each that brought one down. Whoever runs
 * a checker says what is outside; nothing here knows a module.
 */
import type { Clock } from "../engine/clock.ts";
import { SafekitError } from "../errors.ts";
import { Child } from "./child.ts";
import { type CheckerSource, HostedChecker } from "./hosted.ts";
import { processLimits } from "./limits.ts";
import type { FromProcess } from "./messages.ts";
import type { SandboxSystem } from "./system.ts";

export interface SandboxOptions {
	system: SandboxSystem;
	/** Of the time that a checker has in all. Time on a processor is always real. */
	clock: Clock;
	/** A folder of its own. */
	folder: string;
	/** For the log of the daemon. */
	report(message: string): void;
}

/** A process with those who live in it. */
interface Home {
	child: Child | null;
	/** Since when it lives, or when it may be started again; milliseconds of this machine. */
	sinceMs: number;
	notBeforeMs: number;
	delayMs: number;
	/** The only one that lives here; null: the shared one. */
	owner: number | null;
}

export class Sandbox {
	readonly #options: SandboxOptions;
	readonly #checkers = new Map<number, HostedChecker>();
	readonly #homes = new Set<Home>();
	readonly #shared: Home = newHome(null);
	#nextId = 1;
	#closed = false;

	constructor(options: SandboxOptions) {
		this.#options = options;
		this.#homes.add(this.#shared);
	}

	/** Starts the shared process ahead of the first run. */
	warm(): void {
		if (!this.#closed && this.#shared.child === null) this.#childOf(this.#shared);
	}

	/** @throws SafekitError CHECKER_TOO_MANY */
	add(source: CheckerSource): HostedChecker {
		if (this.#checkers.size >= processLimits.checkers) {
			throw new SafekitError(
				"CHECKER_TOO_MANY",
				`More than ${processLimits.checkers} TypeScript checkers on a server.`,
			);
		}
		const id = this.#nextId++;
		const checker = new HostedChecker(id, source, this.#options.clock, {
			child: (of) => this.#childFor(of),
			remove: (of) => this.#remove(of),
		});
		this.#checkers.set(id, checker);
		return checker;
	}

	/** Pids of its processes. */
	pids(): number[] {
		return [...this.#homes].flatMap(({ child }) => child?.pid ?? []);
	}

	/** Ends everything; runs under way end as `unknown`. */
	async close(): Promise<void> {
		this.#closed = true;
		for (const checker of this.#checkers.values()) checker.lost("the sandbox ends");
		await Promise.all([...this.#homes].map(({ child }) => child?.close()));
		this.#homes.clear();
	}

	/** Where a checker runs; a sentence when there is no process for it now. */
	#childFor(checker: HostedChecker): Child | string {
		if (this.#closed) return "the sandbox has ended";
		if (!checker.apart) return this.#childOf(this.#shared);
		const own = [...this.#homes].find(({ owner }) => owner === checker.id);
		if (own !== undefined) return this.#childOf(own);
		if (this.#homes.size > processLimits.apart) {
			return `${processLimits.apart} checkers of this server need processes of their own already`;
		}
		const home = newHome(checker.id);
		this.#homes.add(home);
		return this.#childOf(home);
	}

	#childOf(home: Home): Child | string {
		if (home.child !== null) return home.child;
		const nowMs = performance.now();
		if (nowMs < home.notBeforeMs) return "the sandbox process has died and is about to be started again";
		const child: Child = new Child({
			system: this.#options.system,
			folder: this.#options.folder,
			dataMb: home.owner === null ? processLimits.dataMb : processLimits.apartMb,
			heard: (message) => this.#heard(home, message),
			died: (suspects, why) => this.#died(home, child, suspects, why),
		});
		home.child = child;
		home.sinceMs = nowMs;
		return child;
	}

	#heard(home: Home, message: FromProcess): void {
		if (message.type === "ready" || message.type === "ended") return;
		if (message.type === "gone") {
			for (const id of message.ids) this.#at(home, id)?.evicted(id === message.culprit ? message.fault : null);
		} else {
			this.#at(home, message.id)?.heard(message);
		}
	}

	/** A process may speak only for those who live in it. */
	#at(home: Home, id: number): HostedChecker | undefined {
		const checker = this.#checkers.get(id);
		return checker?.lives(home.child) ? checker : undefined;
	}

	#died(home: Home, child: Child, suspects: number[], why: string): void {
		home.child = null;
		const blamed = [...this.#checkers.values()].filter((each) => each.wasIn(child) && suspects.includes(each.id));
		// Those who are to blame are somewhere else from now on.
		if (home.owner !== null || suspects.length === 0) backOff(home);
		const names = blamed.map((each) => `${each.source.group}/${each.source.entry}`);
		this.#options.report(
			`the sandbox process has ended (${why})${names.length === 0 ? "" : `, in ${names.join(", ")}`}`,
		);
		for (const checker of this.#checkers.values()) {
			if (blamed.includes(checker)) checker.broughtDown(child, why);
			else if (checker.lives(child)) checker.lost("the sandbox process has died and is about to be started again");
		}
	}

	#remove(checker: HostedChecker): void {
		this.#checkers.delete(checker.id);
		for (const home of this.#homes) {
			if (home.owner !== checker.id) continue;
			this.#homes.delete(home);
			void home.child?.close();
		}
	}
}

/** Each death soon after the one before doubles the time without a process. */
function backOff(home: Home): void {
	const { first, most } = processLimits.backOffMs;
	const nowMs = performance.now();
	if (nowMs - home.sinceMs > most) home.delayMs = 0;
	home.notBeforeMs = nowMs + home.delayMs;
	home.delayMs = Math.min(most, Math.max(first, 2 * home.delayMs));
}

function newHome(owner: number | null): Home {
	return { child: null, sinceMs: 0, notBeforeMs: 0, delayMs: 0, owner };
}
