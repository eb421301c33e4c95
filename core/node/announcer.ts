/** What a module says of itself in its pulses: told to the heartbeat only when it changed. */
import type { Announcement } from "../engine/contract.ts";

export class Announcer {
	readonly #tell: (says: Announcement, resources: Record<string, string>) => void;
	#told = "";

	constructor(tell: (says: Announcement, resources: Record<string, string>) => void) {
		this.#tell = tell;
	}

	/** Whoever is told has changed: the next word is told in any case. */
	forget(): void {
		this.#told = "";
	}

	say(says: Announcement, resources: Record<string, string>): void {
		const text = JSON.stringify([says, resources]);
		if (text === this.#told) return;
		this.#told = text;
		this.#tell(says, resources);
	}
}
