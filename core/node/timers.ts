/** Named timers of a module. They end with the daemon; the automaton arms them again when it is resumed. */

/** setTimeout cannot wait longer; longer waits are cut into pieces. */
const longestMs = 2_000_000_000;

export class Timers {
	readonly #handles = new Map<string, NodeJS.Timeout>();
	readonly #nowMs: () => number;
	readonly #fired: (name: string) => void;

	constructor(nowMs: () => number, fired: (name: string) => void) {
		this.#nowMs = nowMs;
		this.#fired = fired;
	}

	/** Arms or re-arms a timer. */
	arm(name: string, afterMs: number): void {
		this.disarm(name);
		this.#wait(name, this.#nowMs() + Math.max(0, afterMs));
	}

	disarm(name: string): void {
		clearTimeout(this.#handles.get(name));
		this.#handles.delete(name);
	}

	disarmAll(): void {
		for (const name of [...this.#handles.keys()]) this.disarm(name);
	}

	#wait(name: string, deadlineMs: number): void {
		const leftMs = deadlineMs - this.#nowMs();
		const handle = setTimeout(
			() => {
				if (this.#nowMs() < deadlineMs) return this.#wait(name, deadlineMs);
				this.disarm(name);
				this.#fired(name);
			},
			Math.min(longestMs, Math.max(0, Math.ceil(leftMs))),
		);
		this.#handles.set(name, handle);
	}
}
