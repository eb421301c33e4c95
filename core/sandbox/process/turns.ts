/** Who is inside an isolate and when: two at once, one in each isolate, each held to its time on a processor. */
import type ivm from "isolated-vm";
import { runLimits } from "../limits.ts";
import type { Fault } from "../messages.ts";

/** An isolate as turns see it. */
export interface Place {
	readonly isolate: ivm.Isolate;
	/** Someone is inside. */
	busy: boolean;
	/** How many have a turn here or wait for one. */
	turns: number;
	/** Takes the isolate away from under whoever is inside. */
	destroy(culprit: number, fault: Fault): void;
}

interface Turn {
	place: Place;
	id: number;
	/** Nanoseconds that it may still use. */
	budgetNs: bigint;
	isLoad: boolean;
	begin(slot: number): Promise<void>;
}

interface Inside {
	turn: Turn;
	sinceNs: bigint;
	/** When the isolate was taken away; it has to be out soon after. */
	endedMs: number | null;
}

const slots = 2;
const watchMs = 20;
/** What does not let go of an isolate that was taken away holds its thread for good: then the process has to go. */
const letGoMs = 1500;

export class Turns {
	readonly #inside: (Inside | null)[] = new Array(slots).fill(null);
	readonly #waiting: Turn[] = [];
	/** Who is inside, by slot: it outlives the process. */
	readonly #box: Int32Array;
	#timer: NodeJS.Timeout | undefined;

	constructor(box: Int32Array) {
		this.#box = box;
	}

	/** Waits for its turn, runs it, and answers what it used in nanoseconds. */
	async take<Result>(
		place: Place,
		id: number,
		budgetNs: bigint,
		work: () => Promise<Result>,
		isLoad = false,
	): Promise<{ result: Result; usedNs: bigint }> {
		return await new Promise((resolve, reject) => {
			const begin = async (slot: number): Promise<void> => {
				const inside = this.#inside[slot] as Inside;
				try {
					const result = await work();
					resolve({ result, usedNs: place.isolate.cpuTime - inside.sinceNs });
				} catch (error) {
					reject(error as Error);
				}
			};
			place.turns += 1;
			this.#waiting.push({ place, id, budgetNs, begin, isLoad });
			this.#next();
		});
	}

	/** The checker's time as a whole is over: true when it is inside right now. */
	isInside(id: number): boolean {
		return this.#inside.some((inside) => inside?.turn.id === id);
	}

	#next(): void {
		for (let slot = 0; slot < slots; slot++) {
			if (this.#inside[slot] !== null) continue;
			const free = ({ place }: Turn): boolean => !place.busy;
			// What is loaded already does not wait until all is loaded.
			const run = this.#waiting.findIndex((turn) => !turn.isLoad && free(turn));
			const index = run >= 0 ? run : this.#waiting.findIndex(free);
			if (index < 0) return;
			const [turn] = this.#waiting.splice(index, 1) as [Turn];
			void this.#run(slot, turn);
		}
	}

	async #run(slot: number, turn: Turn): Promise<void> {
		const { place } = turn;
		place.busy = true;
		this.#inside[slot] = { turn, sinceNs: usedBy(place), endedMs: null };
		this.#box[slot] = turn.id;
		this.#timer ??= setInterval(() => this.#watch(), watchMs);
		await turn.begin(slot);
		place.busy = false;
		place.turns -= 1;
		this.#inside[slot] = null;
		this.#box[slot] = 0;
		this.#next();
		if (this.#inside.every((inside) => inside === null)) {
			clearInterval(this.#timer);
			this.#timer = undefined;
		}
	}

	#watch(): void {
		const nowMs = performance.now();
		for (const inside of this.#inside) {
			if (inside === null) continue;
			const { turn } = inside;
			if (inside.endedMs !== null) {
				if (nowMs - inside.endedMs > letGoMs) process.kill(process.pid, "SIGKILL");
			} else if (turn.place.isolate.isDisposed) {
				inside.endedMs = nowMs;
			} else if (usedBy(turn.place) - inside.sinceNs > turn.budgetNs) {
				inside.endedMs = nowMs;
				turn.place.destroy(turn.id, "cpu");
			}
		}
	}
}

/** Nanoseconds of a processor that an isolate has used. */
export function usedBy({ isolate }: Place): bigint {
	return isolate.isDisposed ? 0n : isolate.cpuTime;
}

/** Nanoseconds of a whole run. */
export const runBudgetNs: bigint = BigInt(runLimits.cpuMs) * 1_000_000n;
export const loadBudgetNs: bigint = BigInt(runLimits.loadMs) * 1_000_000n;
