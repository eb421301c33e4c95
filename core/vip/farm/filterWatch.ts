/** Whether the filter in the kernel is still as it was written: any program may change the machine's rules. */
import type { AddressSystem, SetContent } from "../addresses.ts";
import { families } from "../filter/text.ts";

type WatchedSystem = Pick<AddressSystem, "listTables" | "filterGeneration" | "fillSets">;

export class FilterWatch {
	readonly #system: WatchedSystem;
	readonly #table: string;
	/** As it was listed after it was written; null: not looked at since. */
	#image: string | null = null;
	/** Of all rules of the machine, when the filter was last found whole. */
	#generation = -1;
	#writes = 0;

	constructor(system: WatchedSystem, table: string) {
		this.#system = system;
		this.#table = table;
	}

	/** The next look takes what it finds for what was written. */
	written(): void {
		this.#image = null;
		this.#writes++;
	}

	/** Fills sets: one change of the rules that needs no look, if it was the only one. */
	async fill(contents: readonly SetContent[]): Promise<void> {
		const before = await this.#system.filterGeneration();
		await this.#system.fillSets(contents);
		const after = await this.#system.filterGeneration();
		if (before === this.#generation && after === before + 1) this.#generation = after;
	}

	/** Tables, chains and rules; not what the sets hold. Asks `nft` only if any rule or set of the machine has changed. */
	async isWhole(): Promise<boolean> {
		const writes = this.#writes;
		const generation = await this.#system.filterGeneration();
		if (this.#image !== null && generation === this.#generation) return true;
		const image = await this.#system.listTables(families, this.#table);
		if (writes !== this.#writes) return true;
		if (image === null || (this.#image !== null && image !== this.#image)) return false;
		this.#image = image;
		this.#generation = generation;
		return true;
	}
}
