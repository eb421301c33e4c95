/**
 * Steps of checkers that are always over soon are made on the main thread, one after the other: no other thread has to
 * be woken for them, which would cost more than they do. Whoever takes longer than expected is cut short; what V8 cannot
 * cut takes the process with it, and is found in the box.
 */
import { quickLimits } from "../limits.ts";
import { type Place, usedBy } from "./turns.ts";

/** Ends this process when it uses too much of a processor, whatever it does. */
export interface Deadline {
	/** From now on it counts, from nothing. */
	begin(): void;
	end(): void;
}

export interface Taken<Result> {
	/** Null: an error came instead. */
	result: Result | null;
	error: unknown;
	/** Nanoseconds of a processor. */
	usedNs: bigint;
	/** It took so long that others would have had to wait. */
	isCut: boolean;
}

/** Nanoseconds of a run that is quick. */
export const quickNs: bigint = BigInt(quickLimits.cpuMs) * 1_000_000n;

/** Where in the box is whoever is inside on this thread; the other places belong to the other threads. */
const boxPlace = 2;
/** How soon the deadline begins anew when one list of messages has many steps. */
const renewMs = 100;

export class Quick {
	readonly #box: Int32Array;
	/** After quickLimits.hangMs. */
	readonly #deadline: Deadline;
	#begunMs: number | null = null;

	constructor(box: Int32Array, deadline: Deadline) {
		this.#box = box;
		this.#deadline = deadline;
	}

	/** Does the work of a checker at once. */
	take<Result>(place: Place, id: number, work: () => Result): Taken<Result> {
		const fromMs = performance.now();
		const fromNs = usedBy(place);
		this.#begin(fromMs);
		this.#box[boxPlace] = id;
		let result: Result | null = null;
		let error: unknown = null;
		try {
			result = work();
		} catch (thrown) {
			error = thrown;
		}
		this.#box[boxPlace] = 0;
		const isCut = result === null && !place.isolate.isDisposed && performance.now() - fromMs >= quickLimits.cutMs;
		return { result, error, usedNs: usedBy(place) - fromNs, isCut };
	}

	/** The deadline is that of the steps of one message list, and begins anew in long ones. */
	#begin(nowMs: number): void {
		if (this.#begunMs !== null && nowMs - this.#begunMs < renewMs) return;
		if (this.#begunMs === null) {
			queueMicrotask(() => {
				this.#deadline.end();
				this.#begunMs = null;
			});
		}
		this.#deadline.begin();
		this.#begunMs = nowMs;
	}
}
