/** What something does when it is asked: always, or the next few times only. */
import { millisecondsOf, type Time } from "../duration.ts";

/**
 * How often something is so.
 *
 * @example
 * n1.http("http://127.0.0.1/health").answers(500, { times: 2 }); // the third time as before
 */
export interface Repeat {
	/** Only so often; then it does again what it did before. Default: from now on. */
	times?: number;
}

/**
 * How long something takes.
 *
 * @example
 * n1.http("http://127.0.0.1/health").answers(200, { after: "3s" });
 */
export interface Delay {
	/** Virtual time until it does. */
	after?: Time;
}

/** The answers that a test has written for one thing. */
export class Behaviour<Answer> {
	#always: Answer | null = null;
	#few: { answer: Answer; left: number } | null = null;

	/** Null: as if the test had said nothing. */
	set(answer: Answer | null, { times }: Repeat = {}): void {
		if (times === undefined || answer === null) {
			this.#always = answer;
			this.#few = null;
			return;
		}
		if (!Number.isInteger(times) || times < 1)
			throw new TypeError(`times is ${times}; it is a whole number from 1 on.`);
		this.#few = { answer, left: times };
	}

	/** What it does this time; null: the test has not said. */
	take(): Answer | null {
		const few = this.#few;
		if (few === null) return this.#always;
		few.left--;
		if (few.left === 0) this.#few = null;
		return few.answer;
	}
}

/** Milliseconds of `after`; 0 without. */
export function delayOf({ after }: Delay): number {
	return after === undefined ? 0 : millisecondsOf(after);
}
