/** What a farm's group comes to, as resources and as lines of the module's log (spec/01 §4, spec/10 §7). */
import { buckets, type FarmModule, type FarmView, loadOf } from "../../engine/farm/group.ts";
import { percentOf } from "../../engine/farm/percent.ts";

export interface ToldParts {
	farm: FarmModule;
	/** How many rules each group has: the resource of each is `<group>_<n>`. */
	rules: ReadonlyMap<string, number>;
	log(level: "I", text: string): void;
	setResource(name: string, value: string): void;
}

export class Told {
	readonly #parts: ToldParts;
	#members = "";
	readonly #loads = new Map<string, number>();

	constructor(parts: ToldParts) {
		this.#parts = parts;
	}

	/** What has changed since it was told last. */
	tell({ members, groups }: FarmView): void {
		const { farm, log } = this.#parts;
		const names = members.join(" ");
		for (const { name } of groups) {
			if (names === this.#members) break;
			for (const rule of this.#rulesOf(name)) log("I", `farm membership: ${names} (group ${rule})`);
		}
		this.#members = names;
		for (const share of groups) {
			const load = loadOf(share, farm.node);
			if (load === this.#loads.get(share.name)) continue;
			this.#loads.set(share.name, load);
			for (const rule of this.#rulesOf(share.name)) {
				log("I", `farm load: ${load}/${buckets} (group ${rule})`);
				this.#parts.setResource(rule, `${percentOf(load)}%`);
			}
		}
	}

	/** This node takes no part in the group. */
	nothing(): void {
		this.#members = "";
		this.#loads.clear();
		for (const { name } of this.#parts.farm.groups) {
			for (const rule of this.#rulesOf(name)) this.#parts.setResource(rule, "0%");
		}
	}

	#rulesOf(group: string): string[] {
		return Array.from({ length: this.#parts.rules.get(group) ?? 0 }, (_, n) => `${group}_${n}`);
	}
}
