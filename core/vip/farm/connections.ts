/** Where clients' connections may be: by all views, and by what the kernel of this node still tracks. */
import type { FarmView } from "../../engine/farm/group.ts";
import type { BalancingGroup } from "../../module/configuration.ts";
import type { AddressSystem } from "../addresses.ts";
import type { GroupShares } from "../filter/plan.ts";
import { forget, holdsMore, keptBuckets, nothingYet, type Remembered, remember, sharesOf } from "./holders.ts";

/** A look goes through all that the kernel tracks: where connections stay for long, the next one may wait. */
const [firstLookMs, longestWaitMs] = [2000, 60_000];

export class Connections {
	readonly #node: string;
	readonly #groups: readonly BalancingGroup[];
	readonly #system: Pick<AddressSystem, "trackedClients">;
	#memory: Remembered = nothingYet;
	#waitMs = firstLookMs;
	#lookedMs = 0;

	constructor(node: string, groups: readonly BalancingGroup[], system: Pick<AddressSystem, "trackedClients">) {
		this.#node = node;
		this.#groups = groups;
		this.#system = system;
	}

	/**
	 * Every view, in the order in which they come: a version says only which view it is, for it is smaller again when the
	 * clock was put back. The same once more changes nothing. Null: this node is in no group any more.
	 */
	hear(view: FarmView | null): void {
		if (view?.version === this.#memory.version) return;
		this.#memory = view === null ? nothingYet : remember(this.#memory, view);
		this.#waitMs = firstLookMs;
	}

	/** For the filter, in the order of `names`. */
	shares(view: FarmView, names: readonly string[]): GroupShares[] {
		return sharesOf(this.#memory, view, names, this.#node);
	}

	/**
	 * Asks the kernel, if it is time to, which clients of buckets that moved away still have connections to `addresses`
	 * here. The filter has carried out `view` before: no more of them can begin. True: there are fewer than before.
	 */
	async look(view: FarmView, addresses: readonly string[], nowMs: number): Promise<boolean> {
		const before = this.#memory;
		// Of a view that came later the filter may have carried out something already.
		if (before.version !== view.version || nowMs - this.#lookedMs < this.#waitMs) return false;
		if (!holdsMore(before, this.#node, view)) return false;
		this.#lookedMs = nowMs;
		this.#waitMs = Math.min(2 * this.#waitMs, longestWaitMs);
		const clients = await this.#system.trackedClients(addresses);
		// Another view may have come meanwhile.
		if (clients === null || this.#memory !== before) return false;
		this.#memory = forget(before, this.#node, view, keptBuckets(this.#groups, clients));
		return true;
	}
}
