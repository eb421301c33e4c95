/** What a node knows of the others of its farm: what they say, for how long they have been silent. */
import { bitsOf, hasBit } from "./bits.ts";
import { type Entry, isIn, lifeIn, type Proposal } from "./pulse.ts";

const never = Number.POSITIVE_INFINITY;

interface Other {
	entry: Entry | null;
	/** Time without a new word of it, as far as this node could listen. */
	silenceMs: number;
	/** Heard in this node's present life. */
	heard: boolean;
	/** Since it last said that it hears this node. A new life of it has yet to hear, and takes nothing back. */
	unmetMs: number;
	/** Since it last spoke as in a life before the one that is known: its clock was put back. */
	outdatedMs: number;
}

export class Others {
	readonly #self: number;
	/** What is heard between two ticks is as old as a tick when the next one counts: nobody may be given up before time. */
	readonly #headStartMs: number;
	readonly #others: Other[];
	#seen: { now: boolean[]; bits: string } = { now: [], bits: "" };

	/** `tickMs`: length of a tick. */
	constructor(count: number, self: number, tickMs: number) {
		this.#self = self;
		this.#headStartMs = -tickMs;
		this.#others = Array.from({ length: count }, () => ({
			entry: null,
			silenceMs: 0,
			heard: false,
			unmetMs: never,
			outdatedMs: never,
		}));
	}

	/** Takes over what is new. `direct`: the node says it itself. */
	hear(entry: Entry, direct: boolean): void {
		const other = this.#others[entry.node];
		if (other === undefined || entry.node === this.#self) return;
		if (!isNewer(entry, other.entry)) {
			if (direct) other.outdatedMs = 0;
			return;
		}
		if (hasBit(entry.seen, this.#self)) other.unmetMs = this.#headStartMs;
		else if (other.entry?.life === entry.life && hasBit(other.entry.seen, this.#self)) other.unmetMs = never;
		other.entry = entry;
		other.silenceMs = this.#headStartMs;
		other.heard = true;
	}

	tick(ms: number): void {
		for (const other of this.#others) {
			other.silenceMs += ms;
			other.unmetMs += ms;
			other.outdatedMs += ms;
		}
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
		return node !== this.#self && other?.heard === true && other.silenceMs < lossMs;
	}

	/** Heard, and it hears this node, and stays. */
	meets(node: number, lossMs: number): boolean {
		const { entry, unmetMs } = this.#others[node] as Other;
		return this.sees(node, lossMs) && entry?.leaving === false && unmetMs < lossMs;
	}

	/** Nodes other than this one. */
	get all(): number[] {
		return this.#others.map((_, node) => node).filter((node) => node !== this.#self);
	}

	/** Each is met, or said that it goes, or is not in the view of one that is met. */
	accountsForAll(met: readonly number[], view: Proposal | null): boolean {
		const there = view !== null && met.some((node) => lifeIn(view, node) === this.entry(node)?.life) ? view : null;
		return this.all.every((node) => {
			const gone = this.entry(node)?.leaving === true || (there !== null && !isIn(there, node));
			return met.includes(node) || gone;
		});
	}

	/** What of the others is to be passed on: of those heard, and of those who must learn that they lived before. */
	entries(lossOf: (node: number) => number): Entry[] {
		return this.#others.flatMap(({ entry, outdatedMs }, node) =>
			entry !== null && (this.sees(node, lossOf(node)) || outdatedMs < lossOf(node)) ? [entry] : [],
		);
	}

	/** The set of those heard. */
	seen(lossOf: (node: number) => number): string {
		const now = this.#others.map((_, node) => this.sees(node, lossOf(node)));
		if (now.some((sees, node) => sees !== this.#seen.now[node])) this.#seen = { now, bits: bitsOf(now) };
		return this.#seen.bits;
	}
}

function isNewer(entry: Entry, than: Entry | null): boolean {
	return than === null || entry.life > than.life || (entry.life === than.life && entry.beat > than.beat);
}
