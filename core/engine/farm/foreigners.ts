/**
 * Nodes of the farm whose configuration has other nodes, groups or powers, as while a new one is rolled out. The two
 * cannot share buckets, so only one of them may answer: who answers goes on, who comes waits; where both do, as after a
 * partition, the one that stands first in cluster.xml.
 */
export interface Foreigner {
	name: string;
	serving: boolean;
	/** It was started again, and nobody attends to its filter yet: by now the kernel may have stopped accepting. */
	resumed: boolean;
	/** Does it stand before this node in cluster.xml? */
	first: boolean;
}

export class Foreigners {
	readonly #heard = new Map<string, Foreigner & { silenceMs: number }>();

	hear(foreigner: Foreigner): void {
		this.#heard.set(foreigner.name, { ...foreigner, silenceMs: 0 });
	}

	/** It speaks as one of the group now. */
	forget(name: string): void {
		this.#heard.delete(name);
	}

	tick(ms: number): void {
		for (const foreigner of this.#heard.values()) foreigner.silenceMs += ms;
	}

	/** Must this node leave the clients to the others? */
	yields(serving: boolean, lossMs: number): boolean {
		return [...this.#heard.values()].some(
			(other) => other.serving && other.silenceMs < lossMs && (!serving || (other.first && !other.resumed)),
		);
	}
}
