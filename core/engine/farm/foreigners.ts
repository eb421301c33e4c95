/**
 * Nodes of the farm whose configuration has other nodes, groups or powers, as while a new one is rolled out. The two
 * cannot share buckets, so only one of them may answer: who answers goes on, who comes waits; where both do, as after a
 * partition, the one that stands first in cluster.xml.
 */
export class Foreigners {
	readonly #self: number;
	readonly #heard = new Map<number, { serving: boolean; silenceMs: number }>();

	constructor(self: number) {
		this.#self = self;
	}

	hear(node: number, serving: boolean): void {
		this.#heard.set(node, { serving, silenceMs: 0 });
	}

	tick(ms: number): void {
		for (const foreigner of this.#heard.values()) foreigner.silenceMs += ms;
	}

	/** Must this node leave the clients to the others? */
	yields(serving: boolean, lossMs: number): boolean {
		return [...this.#heard].some(
			([node, other]) => other.serving && other.silenceMs < lossMs && (!serving || node < this.#self),
		);
	}
}
