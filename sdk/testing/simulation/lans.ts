/** The networks between the servers: which of them carry, and which servers are plugged into them. */

export class Lans {
	readonly names: readonly string[];
	readonly #cut = new Set<string>();
	readonly #unplugged = new Map<string, Set<string>>();

	constructor(names: readonly string[]) {
		this.names = [...new Set(names)];
	}

	/** Whether the network takes something from one server to another. */
	carries(lan: string, from: string, to: string): boolean {
		return !this.#cut.has(lan) && this.isPlugged(lan, from) && this.isPlugged(lan, to);
	}

	isPlugged(lan: string, server: string): boolean {
		return this.#unplugged.get(lan)?.has(server) !== true;
	}

	/** Nobody reaches anybody. */
	cut(lans: readonly string[]): void {
		for (const lan of lans) this.#cut.add(lan);
	}

	mend(lans: readonly string[]): void {
		for (const lan of lans) this.#cut.delete(lan);
	}

	unplug(lans: readonly string[], server: string): void {
		for (const lan of lans) this.#unplugged.set(lan, (this.#unplugged.get(lan) ?? new Set()).add(server));
	}

	plug(lans: readonly string[], server: string): void {
		for (const lan of lans) this.#unplugged.get(lan)?.delete(server);
	}

	/** The networks that a test means: one of them, or all. @throws TypeError when the module has no such network. */
	meant(lan: string | undefined): readonly string[] {
		if (lan === undefined) return this.names;
		if (this.names.includes(lan)) return [lan];
		throw new TypeError(`The module has no network '${lan}'; it has ${this.names.join(", ")}.`);
	}
}
