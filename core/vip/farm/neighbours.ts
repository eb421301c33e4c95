/** MAC addresses of the other nodes, by the interface on which clients' frames are passed on to them. */
import type { FarmModule } from "../../engine/farm/group.ts";
import type { AddressSystem, LocalInterface } from "../addresses.ts";
import { inNetwork } from "../network.ts";
import type { Planned } from "../place.ts";

/** Whoever is there answers in milliseconds. */
const askMs = 250;

export class Neighbours {
	readonly #system: AddressSystem;
	readonly #farm: FarmModule;
	readonly #macs = new Map<string, Map<string, string>>();
	#members: readonly string[] = [];

	constructor(system: AddressSystem, farm: FarmModule) {
		this.#system = system;
		this.#farm = farm;
	}

	get macs(): ReadonlyMap<string, ReadonlyMap<string, string>> {
		return this.#macs;
	}

	/** Asks all nodes. Those that do not answer stay as they were known before. True if something was new. */
	look(directed: readonly Planned[], interfaces: readonly LocalInterface[]): Promise<boolean> {
		return this.#ask(() => true, directed, interfaces);
	}

	/** Asks those that have come into the group, perhaps with another card, and those that have not answered yet. */
	async follow(members: readonly string[], directed: readonly Planned[], interfaces: readonly LocalInterface[]) {
		const before = this.#members;
		this.#members = members;
		const isNew = (node: string, parent: string) =>
			members.includes(node) && (!before.includes(node) || !this.#macs.get(parent)?.has(node));
		return await this.#ask(isNew, directed, interfaces);
	}

	async #ask(
		wanted: (node: string, parent: string) => boolean,
		directed: readonly Planned[],
		interfaces: readonly LocalInterface[],
	): Promise<boolean> {
		const parents = new Set(directed.map(({ parent }) => parent.name));
		const asked = interfaces
			.filter(({ name }) => parents.has(name))
			.flatMap((iface) =>
				this.#nodesOn(iface)
					.filter(({ name }) => wanted(name, iface.name))
					.map((node) => ({ iface, node })),
			);
		const found = await Promise.all(
			asked.map(async ({ iface, node }) => {
				const mac = await this.#system.whoHas(iface, node.addr, askMs);
				const known = this.#macs.get(iface.name) ?? new Map<string, string>();
				if (mac === null || known.get(node.name) === mac) return false;
				this.#macs.set(iface.name, known.set(node.name, mac));
				return true;
			}),
		);
		return found.includes(true);
	}

	/** One address of each other node in a network of the interface. */
	#nodesOn(iface: LocalInterface): { name: string; addr: string }[] {
		const near = (addr: string) => iface.addresses.some((own) => inNetwork(addr, own.addr, own.prefix));
		const all = this.#farm.lans.flatMap(({ nodes }) => nodes);
		const others = all.filter(({ name, addr }) => name !== this.#farm.node && near(addr));
		return [...new Map(others.map((node) => [node.name, node])).values()];
	}
}
