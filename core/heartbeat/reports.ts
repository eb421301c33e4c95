/** Keeps what is reported from being reported again and again. */

const quietMs = 60_000;
/** So many different things to say are none of ours. */
const maxKinds = 100;

export class Reports {
	readonly #quietUntilMs = new Map<string, number>();

	/** True once a minute for the same thing. */
	isNew(about: string): boolean {
		const nowMs = performance.now();
		if (nowMs < (this.#quietUntilMs.get(about) ?? 0) || this.#quietUntilMs.size > maxKinds) return false;
		this.#quietUntilMs.set(about, nowMs + quietMs);
		return true;
	}
}
