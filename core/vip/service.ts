/** The virtual addresses of one module on this node: set, announced, removed. */
import type { VipConfiguration } from "../module/configuration.ts";
import type { AddressSystem, LocalInterface } from "./addresses.ts";
import { type Announced, Announcer } from "./announcer.ts";
import { awaitFree } from "./duplicates.ts";
import { closedFilter } from "./filter/batch.ts";
import { filteredAddresses, sendersOf } from "./filter/facts.ts";
import { asVipError, Holding, isSame, reasonOf } from "./holding.ts";
import { type Planned, planAddresses } from "./place.ts";
import { readRecord, type SetAddress } from "./record.ts";

export interface VipOptions {
	module: string;
	/** The module's number, for the label of its addresses. */
	id: number;
	vip: VipConfiguration;
	/** Addresses of the peer in cluster.xml, or its names: a peer that still has the address is told from a stranger. */
	peerAddresses: readonly string[];
	system: AddressSystem;
	/** `$SAFEVAR/run/vip-AM.json`. */
	record: string;
	log(level: "E" | "I" | "W", text: string): void;
}

export class VipService {
	readonly #options: VipOptions;
	readonly #holding: Holding;
	readonly #announcer: Announcer;
	#last: Promise<unknown> = Promise.resolve();

	constructor(options: VipOptions) {
		this.#options = options;
		this.#holding = new Holding({ ...options, tcpreset: options.vip.tcpreset });
		this.#announcer = new Announcer(options.system, (addr, error) =>
			options.log("W", `Virtual IP ${addr} could not be announced: ${reasonOf(error)}`),
		);
	}

	/**
	 * Sets all addresses and announces them. Done twice it only announces again. All or nothing: when one cannot be set,
	 * none stays. Throws VIP_NAME, VIP_INTERFACE, VIP_LOCAL, VIP_TAKEN or VIP_SYSTEM.
	 */
	set(): Promise<void> {
		return this.#inTurn(() => this.#set());
	}

	/**
	 * Removes what this module has set here, also before a crash or under an earlier configuration. Done twice, or with
	 * nothing set, it does nothing. Throws VIP_SYSTEM after everything was tried.
	 */
	unset(): Promise<void> {
		return this.#inTurn(() => this.#unset());
	}

	/**
	 * Announces the addresses that are set, and goes on announcing them: a restarted daemon found the module running, or
	 * another server may have claimed them meanwhile.
	 */
	resume(): Promise<void> {
		return this.#inTurn(async () => {
			const recorded = await readRecord(this.#options.record);
			await this.#announcer.start(recorded.addresses.map((address) => this.#announced(address)));
		});
	}

	/** Stops announcing and leaves the addresses where they are: the daemon ends, the module runs on. */
	close(): void {
		this.#announcer.stop();
	}

	#inTurn(work: () => Promise<void>): Promise<void> {
		const turn = this.#last.then(work, work);
		this.#last = turn.catch(() => undefined);
		return turn;
	}

	async #set(): Promise<void> {
		const { system, vip, module, log, id } = this.#options;
		if (vip.addresses.length === 0) return;
		try {
			const interfaces = await system.interfaces();
			const left = await this.#holding.find(interfaces);
			const planned = await planAddresses(vip.addresses, id, interfaces, left.addresses);
			const links = new Set(planned.flatMap(({ link }) => (link === null ? [] : [link.name])));
			const filter = links.size > 0;
			await this.#holding.remove({
				addresses: left.addresses.filter((old) => !planned.some((one) => isSame(one, old))),
				links: left.links.filter((name) => !links.has(name)),
				filter: left.filter && !filter,
			});
			const fresh = planned.filter((one) => !isThere(one, interfaces));
			await this.#checkFree(fresh);
			await this.#holding.note({ addresses: planned, links: [...links], filter });
			if (filter) await this.#shareLinks(planned, interfaces);
			for (const one of fresh) await this.#holding.add(one, one.wanted.where === "one_side");
			await this.#announcer.start(planned.map((address) => this.#announced(address)));
			for (const { addr, parent } of planned) {
				log("I", `Virtual IP <${addr} of ${module}> set`);
				if (!parent.up) log("W", `Virtual IP ${addr} cannot be reached: the interface ${parent.name} is down`);
			}
		} catch (error) {
			await this.#unset().catch((also) => log("E", reasonOf(also)));
			throw asVipError(error);
		}
	}

	async #checkFree(fresh: Planned[]): Promise<void> {
		const { system, peerAddresses, log } = this.#options;
		await Promise.all(
			fresh.map(async ({ parent, addr, link }) => {
				// Whoever answers under the MAC address of the module is the peer.
				const friends = link === null ? [] : [link.mac];
				const mac = await awaitFree(system, { iface: parent, addr, friends }, peerAddresses);
				if (mac !== null) log("W", `Virtual IP ${addr} is taken over from ${mac}, which still answers for it`);
			}),
		);
	}

	/** Nothing is shared out: whoever is primary answers everybody. */
	async #shareLinks(planned: readonly Planned[], interfaces: readonly LocalInterface[]): Promise<void> {
		const addresses = filteredAddresses(planned);
		const senders = sendersOf(interfaces, planned);
		const plan = { table: this.#holding.table, addresses, senders, balancing: null };
		await this.#holding.raiseLinks(planned, closedFilter(plan));
	}

	async #unset(): Promise<void> {
		this.#announcer.stop();
		await this.#holding.removeAll();
	}

	#announced(address: SetAddress): Announced {
		const wanted =
			this.#options.vip.addresses.find((each) => each.addr === address.addr) ?? this.#options.vip.addresses[0];
		const again = wanted?.arpreroute === true ? { everyMs: wanted.arpIntervalMs, forMs: wanted.arpElapseMs } : null;
		return { iface: address.iface, addr: address.addr, prefix: address.prefix, again };
	}
}

/** With its interface as it is: one that is made anew takes its addresses with it. */
function isThere({ iface, addr, link }: Planned, interfaces: readonly LocalInterface[]): boolean {
	const found = interfaces.find(({ name }) => name === iface);
	return (link === null || found?.mac === link.mac) && found?.addresses.some((own) => own.addr === addr) === true;
}
