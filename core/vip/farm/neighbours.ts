/** MAC addresses of the other nodes, by the interface on which clients' frames are passed on to them. */
import { addressOf } from "../../checkers/names.ts";
import type { FarmModule } from "../../engine/farm/group.ts";
import type { AddressSystem, LocalInterface } from "../addresses.ts";
import { inNetwork } from "../network.ts";
import type { Planned } from "../place.ts";

/** Whoever is there answers in milliseconds. */
const askMs = 250;
/** Starts and stops of the module wait for it; a name that takes longer is asked for again. */
const resolveMs = 500;

type Log = (level: "I" | "W", text: string) => void;

/** A node and the interface on which it is looked for. */
interface Place {
	node: string;
	parent: string;
}

export class Neighbours {
	readonly #system: Pick<AddressSystem, "whoHas">;
	readonly #farm: Pick<FarmModule, "node" | "nodes" | "lans">;
	readonly #log: Log;
	readonly #macs = new Map<string, Map<string, string>>();
	/** Members that have answered since they came, by interface: until then what is known may be of another card. */
	readonly #answered = new Map<string, Set<string>>();
	/** Where a member has not been found once, and where that was said. */
	readonly #missed = new Set<string>();
	readonly #said = new Set<string>();

	constructor(system: Pick<AddressSystem, "whoHas">, farm: Pick<FarmModule, "node" | "nodes" | "lans">, log: Log) {
		this.#system = system;
		this.#farm = farm;
		this.#log = log;
	}

	get macs(): ReadonlyMap<string, ReadonlyMap<string, string>> {
		return this.#macs;
	}

	/** Asks all nodes. Those that do not answer stay as they were known before. */
	async look(directed: readonly Planned[], interfaces: readonly LocalInterface[]): Promise<void> {
		await this.#ask(placesOf(this.#others(this.#farm.nodes), directed), interfaces);
		this.#answered.clear();
	}

	/** Every view's members: whoever is not among them may come back with another card. */
	hear(members: readonly string[]): void {
		for (const nodes of this.#answered.values()) {
			for (const node of nodes) if (!members.includes(node)) nodes.delete(node);
		}
	}

	/**
	 * Asks the members that have not answered yet since they came. True once all have, everywhere. Who is not found at the
	 * second time is named in the log: until then its switch port may not have forwarded yet.
	 */
	async follow(
		members: readonly string[],
		directed: readonly Planned[],
		interfaces: readonly LocalInterface[],
	): Promise<boolean> {
		const places = placesOf(this.#others(members), directed);
		const waiting = (): Place[] => places.filter(({ node, parent }) => !this.#answered.get(parent)?.has(node));
		await this.#ask(waiting(), interfaces);
		for (const place of places) this.#tell(place);
		return waiting().length === 0;
	}

	#others(nodes: readonly string[]): string[] {
		return nodes.filter((name) => name !== this.#farm.node);
	}

	async #ask(places: readonly Place[], interfaces: readonly LocalInterface[]): Promise<void> {
		await Promise.all(
			places.map(async ({ node, parent }) => {
				const iface = interfaces.find(({ name }) => name === parent);
				const addr = iface && (await this.#addressOn(iface, node));
				const mac = iface && addr ? await this.#system.whoHas(iface, addr, askMs) : null;
				if (mac === null) return;
				this.#macs.set(parent, (this.#macs.get(parent) ?? new Map<string, string>()).set(node, mac));
				this.#answered.set(parent, (this.#answered.get(parent) ?? new Set<string>()).add(node));
			}),
		);
	}

	/** One address of the node in a network of the interface. */
	async #addressOn(iface: LocalInterface, node: string): Promise<string | undefined> {
		const given = this.#farm.lans.flatMap(({ nodes }) => nodes.filter(({ name }) => name === node));
		const all = await Promise.all(given.map(({ addr }) => resolved(addr)));
		const near = (addr: string | null) =>
			addr !== null && iface.addresses.some((own) => inNetwork(addr, own.addr, own.prefix));
		return all.findLast(near) ?? undefined;
	}

	#tell({ node, parent }: Place): void {
		const place = JSON.stringify([node, parent]);
		if (this.#macs.get(parent)?.has(node)) {
			this.#missed.delete(place);
			if (this.#said.delete(place)) this.#log("I", `${node} is found on ${parent}: its clients are answered`);
			return;
		}
		if (this.#missed.has(place) && !this.#said.has(place)) {
			this.#said.add(place);
			this.#log(
				"W",
				`Clients of ${node} that come to this server on ${parent} are not answered: ${node} does not answer ARP or ` +
					"neighbour solicitations there; give each server an address in the network of the virtual address, on a lan " +
					"that <farm> names",
			);
		}
		this.#missed.add(place);
	}
}

function placesOf(nodes: readonly string[], directed: readonly Planned[]): Place[] {
	const parents = [...new Set(directed.map(({ parent }) => parent.name))];
	return parents.flatMap((parent) => nodes.map((node) => ({ node, parent })));
}

export function isDirected({ link }: Planned): boolean {
	return link === null;
}

/** The MAC addresses that are in the text of a filter. */
export function nodesIn(macs: Neighbours["macs"]): string {
	return JSON.stringify([...macs].map(([iface, all]) => [iface, ...all]));
}

/** The address of a host that cluster.xml gives by address or by name; null: the name does not resolve in time. */
export async function resolved(host: string): Promise<string | null> {
	return await addressOf(host, AbortSignal.timeout(resolveMs)).catch(() => null);
}
