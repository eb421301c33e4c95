/**
 * Asks the mounts of a module from time to time whether they still answer (`checktime`, `checkintv`, spec/06 §2): what
 * serves them may hang without having ended, and then nothing else notices.
 */

/** Asks the mounts on these directories; resolves with their answer, never rejects. */
export type MountAsker = (dirs: readonly string[]) => Promise<void>;

export interface MountCheckTimes {
	checkTimeMs: number;
	checkIntervalMs: number;
}

export interface MountCheckHands {
	/** Null: nothing is mounted now. */
	ask(): Promise<void> | null;
	/** No answer for so long; said once of each question. */
	silent(forMs: number): void;
}

/** Used where a module was configured by a version that did not ask. */
const defaults: MountCheckTimes = { checkTimeMs: 220_000, checkIntervalMs: 120_000 };

export class MountCheck {
	readonly #times: MountCheckTimes;
	readonly #hands: MountCheckHands;
	#interval: NodeJS.Timeout | undefined;
	#limit: NodeJS.Timeout | undefined;
	/** A question that is not answered yet: while there is one, no other is asked. */
	#asked = false;

	constructor(times: Partial<MountCheckTimes>, hands: MountCheckHands) {
		const { checkTimeMs = defaults.checkTimeMs, checkIntervalMs = defaults.checkIntervalMs } = times;
		this.#times = { checkTimeMs, checkIntervalMs };
		this.#hands = hands;
	}

	start(): void {
		this.stop();
		this.#interval = setInterval(() => this.#ask(), this.#times.checkIntervalMs);
	}

	/** A question that is under way counts for nothing any more. */
	stop(): void {
		clearInterval(this.#interval);
		clearTimeout(this.#limit);
	}

	#ask(): void {
		const answer = this.#asked ? null : this.#hands.ask();
		if (answer === null) return;
		this.#asked = true;
		const { checkTimeMs } = this.#times;
		const limit = setTimeout(() => this.#hands.silent(checkTimeMs), checkTimeMs);
		this.#limit = limit;
		void answer.then(() => {
			clearTimeout(limit);
			this.#asked = false;
		});
	}
}
