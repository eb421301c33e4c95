/** How long a node waits for its own filter to obey. Pure. */

/** For what it gains: a daemon that is started again on a busy machine has until then to attend to it. */
const gainMs = 10_000;

export class Patience {
	#releasingMs = 0;
	#gainingMs = 0;

	/**
	 * `ms` have passed. `releasing`: the others wait for what the filter is to release. `gaining`: it lacks what the others
	 * count on it for, and would have themselves. True when either has taken too long; the count begins anew then.
	 */
	isOver(ms: number, releasing: boolean, gaining: boolean, releaseMs: number): boolean {
		this.#releasingMs = releasing ? this.#releasingMs + ms : 0;
		this.#gainingMs = gaining ? this.#gainingMs + ms : 0;
		if (this.#releasingMs <= releaseMs && this.#gainingMs <= gainMs) return false;
		this.renew();
		return true;
	}

	renew(): void {
		this.#releasingMs = 0;
		this.#gainingMs = 0;
	}
}
