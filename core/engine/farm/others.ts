/** What a node knows of the others of its farm: what they say, for how long they have been silent. */
import { bitsOf, hasBit } from "./bits.ts";
import type { Entry } from "./pulse.ts";

interface Other {
	entry: Entry | null;
	/** Time without a new word of it, as far as this node could listen. */
	silenceMs: number;
	/** Heard in this node's present life. */
	heard: boolean;
}

export class Others {
	readonly #self: number;
	readonly #others: Other[];

	constructor(count: number, self: number) {
		this.#self = self;
		this.#others = Array.from({ length: count }, () => ({ entry: null, silenceMs: 0, heard: false }));
	}

	/** Takes over what is new. True if the node counted as silent until now. */
	hear(entry: Entry, lossMs: number): boolean {
		const other = this.#others[entry.node];
		if (other === undefined || entry.node === this.#self || !isNewer(entry, other.entry)) return false;
		const before = this.sees(entry.node, lossMs);
		other.entry = entry;
		other.silenceMs = 0;
		other.heard = true;
		return !before;
	}

	tick(ms: number): void {
		for (const other of this.#others) other.silenceMs += ms;
	}

	/** After a time in which this node cannot say what happened, each must be heard anew. */
	forget(): void {
		for (const other of this.#others) other.heard = false;
	}

	entry(node: number): Entry | null {
		return this.#others[node]?.entry ?? null;
	}

	sees(node: number, lossMs: number): boolean {
		const other = this.#others[node];
		return other?.heard === true && other.silenceMs < lossMs;
	}

	/** Heard, and it hears this node, and stays. */
	meets(node: number, lossMs: number): boolean {
		const entry = this.entry(node);
		return this.sees(node, lossMs) && entry?.leaving === false && hasBit(entry.seen, this.#self);
	}

	/** Nodes other than this one. */
	get all(): number[] {
		return this.#others.map((_, node) => node).filter((node) => node !== this.#self);
	}

	/** What of the others is to be passed on, and the set of those heard. */
	heardOf(lossOf: (node: number) => number): { entries: Entry[]; seen: string } {
		const seen = this.#others.map((_, node) => node !== this.#self && this.sees(node, lossOf(node)));
		const entries = this.#others.flatMap(({ entry }, node) => (seen[node] && entry !== null ? [entry] : []));
		return { entries, seen: bitsOf(seen) };
	}
}

function isNewer(entry: Entry, than: Entry | null): boolean {
	return than === null || entry.life > than.life || (entry.life === than.life && entry.beat > than.beat);
}
