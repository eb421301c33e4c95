/** Who waits to hear what came of a command. */
import type { Refusal } from "./effects.ts";

/** Callers that wait; more are answered without waiting. */
const limit = 1000;

export interface Asked {
	/** For the automaton's answer. */
	request: number;
	/** Null: carried out, or nobody will ever say. */
	answered: Promise<Refusal | null>;
	/** What was answered until now. */
	refusedAtOnce(): Refusal | null;
}

export class Answers {
	readonly #waiting = new Map<number, (refused: Refusal | null) => void>();
	#next = 1;

	ask(): Asked {
		const request = this.#next++;
		this.give(request - limit, null);
		let early: Refusal | null = null;
		const answered = new Promise<Refusal | null>((resolve) => {
			this.#waiting.set(request, (refused) => {
				early = refused;
				resolve(refused);
			});
		});
		return { request, answered, refusedAtOnce: () => early };
	}

	give(request: number, refused: Refusal | null): void {
		this.#waiting.get(request)?.(refused);
		this.#waiting.delete(request);
	}

	/** Nobody answers any more. */
	close(): void {
		for (const request of [...this.#waiting.keys()]) this.give(request, null);
	}
}
