/** Whether the filter in the kernel is still as it was written: any program may change the machine's rules. */
import type { AddressSystem, SetContent } from "../addresses.ts";
import type { FilterPlan } from "../filter/plan.ts";
import { families } from "../filter/text.ts";

type WatchedSystem = Pick<AddressSystem, "listTables" | "filterGeneration" | "fillSets" | "interfaces">;

export class FilterWatch {
	readonly #system: WatchedSystem;
	readonly #table: string;
	/** As it was listed after it was written; null: not looked at since. */
	#image: string | null = null;
	/** Of all rules of the machine, when the filter was last found whole. */
	#generation = -1;
	/** Interfaces that the filter is on, and their numbers when it was written; null: not looked at since. */
	#devices: readonly string[] = [];
	#indices: string | null = null;
	#writes = 0;

	constructor(system: WatchedSystem, table: string) {
		this.#system = system;
		this.#table = table;
	}

	/** What the filter is for from now on. */
	watch({ addresses, balancing }: Pick<FilterPlan, "addresses" | "balancing">): void {
		const own = addresses.flatMap(({ parent, link }) => (link === null ? [parent.name] : [parent.name, link.name]));
		this.#devices = [...own, ...(balancing?.lans ?? [])];
		this.#indices = null;
	}

	/** The next look takes what it finds for what was written. */
	written(): void {
		this.#image = null;
		this.#indices = null;
		this.#writes++;
	}

	/** Fills sets: one change of the rules that needs no look, if it was the only one. */
	async fill(contents: readonly SetContent[]): Promise<void> {
		const before = await this.#system.filterGeneration();
		await this.#system.fillSets(contents);
		const after = await this.#system.filterGeneration();
		if (before === this.#generation && after === before + 1) this.#generation = after;
	}

	/** False: a set is missing, or it could not be filled for another reason. */
	async hasFilled(contents: readonly SetContent[]): Promise<boolean> {
		return await this.fill(contents).then(
			() => true,
			() => false,
		);
	}

	/**
	 * Tables, chains and rules; not what the sets hold. Asks `nft` only if any rule or set of the machine has changed. Of
	 * an interface that was made anew it need not: rules send frames to the old one still, and many kernels have taken the
	 * chains away with it, which they count as no change.
	 */
	async isWhole(): Promise<boolean> {
		const writes = this.#writes;
		const indices = await this.#look();
		if (this.#indices !== null && indices !== this.#indices) return false;
		const generation = await this.#system.filterGeneration();
		if (this.#image !== null && generation === this.#generation && indices === this.#indices) return true;
		const image = await this.#system.listTables(families, this.#table);
		if (writes !== this.#writes) return true;
		if (image === null || (this.#image !== null && image !== this.#image)) return false;
		this.#image = image;
		this.#generation = generation;
		this.#indices = indices;
		return true;
	}

	/** As before while one is missing: nothing can be written for it. */
	async #look(): Promise<string | null> {
		const all = this.#devices.length === 0 ? [] : await this.#system.interfaces();
		const indices = this.#devices.map((device) => all.find(({ name }) => name === device)?.index);
		return indices.includes(undefined) ? this.#indices : indices.join();
	}
}
