/** The leader's part of a view: what it must contain, and who has to release something before others may take. */
import { bitsOf, hasBit } from "./bits.ts";
import { type Entry, leaderOf, lifeIn, type Proposal } from "./pulse.ts";
import { ownersOf, type Rankings } from "./shares.ts";

/** Owner of each bucket, for each group. */
export type Owners = readonly (readonly (number | null)[])[];

/** Views that are kept to know what a member may still have. */
const maxKnown = 64;

/** The owners in a view: the same on every node. Keeps what was asked lately. */
export class Shares {
	readonly #ranked: readonly Rankings[];
	readonly #cache = new Map<string, Owners[number]>();

	constructor(ranked: readonly Rankings[]) {
		this.#ranked = ranked;
	}

	of(view: Proposal): Owners {
		return this.#ranked.map((ranked, group) => {
			const open = view.open[group] ?? "";
			const key = `${group} ${open}`;
			let owners = this.#cache.get(key);
			if (owners === undefined) {
				owners = ownersOf(ranked, (node) => hasBit(open, node));
				if (this.#cache.size >= maxKnown) this.#cache.clear();
				this.#cache.set(key, owners);
			}
			return owners;
		});
	}
}

/** Views that a node has heard of: by them a leader knows what each member may have. */
export class KnownViews {
	readonly #views = new Map<number, Proposal>();

	add(view: Proposal): void {
		if (this.#views.has(view.id)) return;
		this.#views.set(view.id, view);
		for (const id of this.#views.keys()) {
			if (this.#views.size <= maxKnown) break;
			this.#views.delete(id);
		}
	}

	/** The one that was proposed last. */
	get newest(): Proposal | null {
		return [...this.#views.values()].reduce<Proposal | null>((a, b) => (a === null || b.id > a.id ? b : a), null);
	}

	/**
	 * The views in which a member may be now, for a leader that it follows: the one it said it is in, and what this
	 * leader proposed since. Null: unknown, it may have anything.
	 */
	mayBeIn(entry: Entry, leader: number, leaderLife: number): Proposal[] | null {
		if (entry.leader !== leader || entry.leaderLife !== leaderLife) return null;
		const acked = this.#views.get(entry.acked);
		if (acked === undefined || lifeIn(acked, entry.node) !== entry.life) return null;
		const since = [...this.#views.values()].filter(
			(view) => view.id > acked.id && leaderOf(view) === leader && lifeIn(view, leader) === leaderLife,
		);
		return [acked, ...since];
	}
}

/** What a view consists of, before it has a number. */
export function contentOf(
	entries: readonly Entry[],
	groups: number,
	before: Proposal | null,
): Omit<Proposal, "id" | "wait"> {
	return {
		members: entries.map(({ node, life }) => [node, life]),
		open: Array.from({ length: groups }, (_, group) => {
			const open: boolean[] = [];
			for (const entry of entries) open[entry.node] = takesPart(entry, group, before);
			return bitsOf(Array.from(open, (on) => on === true));
		}),
	};
}

/** One that was started again keeps what it had; it is given nothing before it can change its filter. */
function takesPart(entry: Entry, group: number, before: Proposal | null): boolean {
	if (!hasBit(entry.open, group)) return false;
	return !entry.resumed || before === null || hasBit(before.open[group] ?? "", entry.node);
}

export function sameContent(a: Omit<Proposal, "id" | "wait">, b: Omit<Proposal, "id" | "wait">): boolean {
	return JSON.stringify([a.members, a.open]) === JSON.stringify([b.members, b.open]);
}

/** Members that may have a bucket which the new owners give to another. */
export function waitFor(
	entries: readonly Entry[],
	shares: Shares,
	known: KnownViews,
	next: Owners,
	leader: Entry,
): string {
	const wait: boolean[] = [];
	for (const entry of entries) {
		const views = known.mayBeIn(entry, leader.node, leader.life);
		wait[entry.node] = views === null || views.some((view) => loses(entry.node, shares.of(view), next));
	}
	return bitsOf(Array.from(wait, (on) => on === true));
}

function loses(node: number, before: Owners, after: Owners): boolean {
	return before.some((owners, group) => owners.some((owner, at) => owner === node && after[group]?.[at] !== node));
}
