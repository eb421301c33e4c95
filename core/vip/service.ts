/** The virtual addresses of one module on this node: set, announced, removed. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { SafekitError } from "../errors.ts";
import type { VipConfiguration, VirtualAddress } from "../module/configuration.ts";
import type { AddressSystem, LocalInterface } from "./addresses.ts";
import { type Announced, Announcer } from "./announcer.ts";
import { awaitFree } from "./duplicates.ts";
import { placeOf } from "./network.ts";
import { readRecord, type SetAddress, writeRecord } from "./record.ts";

export interface VipOptions {
	module: string;
	/** The module's number, for the label of its addresses. */
	id: number;
	vip: VipConfiguration;
	/** Literal addresses of the peer in cluster.xml: a peer that still has the address is told from a stranger. */
	peerAddresses: readonly string[];
	system: AddressSystem;
	/** `$SAFEVAR/run/vip-AM.json`. */
	record: string;
	log(level: "E" | "I" | "W", text: string): void;
}

interface Planned extends SetAddress {
	target: LocalInterface;
	wanted: VirtualAddress;
}

export class VipService {
	readonly #options: VipOptions;
	readonly #announcer: Announcer;
	#last: Promise<unknown> = Promise.resolve();

	constructor(options: VipOptions) {
		this.#options = options;
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
			await this.#announcer.start(recorded.map((address) => this.#announced(address)));
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
		const { system, vip, module, log } = this.#options;
		if (vip.addresses.length === 0) return;
		try {
			const interfaces = await system.interfaces();
			const left = await this.#ours(interfaces);
			const planned = await this.#plan(interfaces, left);
			const isPlanned = (old: SetAddress) => planned.some((one) => one.iface === old.iface && one.addr === old.addr);
			await this.#removeAll(left.filter((old) => !isPlanned(old)));
			const fresh = planned.filter(({ target, addr }) => !target.addresses.some((own) => own.addr === addr));
			await this.#checkFree(fresh);
			await this.#note(planned);
			for (const one of fresh) await this.#add(one);
			await this.#announcer.start(planned.map((address) => this.#announced(address)));
			for (const { addr, target } of planned) {
				log("I", `Virtual IP <${addr} of ${module}> set`);
				if (!target.up) log("W", `Virtual IP ${addr} cannot be reached: the interface ${target.name} is down`);
			}
		} catch (error) {
			await this.#unset().catch((also) => log("E", reasonOf(also)));
			throw this.#known(error);
		}
	}

	/** Where each address goes. */
	async #plan(interfaces: LocalInterface[], ours: readonly SetAddress[]): Promise<Planned[]> {
		return Promise.all(
			this.#options.vip.addresses.map(async (wanted) => {
				const addr = await literal(wanted.addr);
				refuseForeign(addr, interfaces, ours);
				const place = placeOf(addr, wanted, interfaces);
				if (place !== undefined) {
					return { iface: place.iface.name, addr, prefix: place.prefix, target: place.iface, wanted };
				}
				const present = interfaces.flatMap((each) =>
					each.loopback ? [] : each.addresses.map((own) => `${each.name} ${own.addr}/${own.prefix}`),
				);
				const where =
					wanted.interface === null ? "no interface" : `the interface ${wanted.interface} does not exist or`;
				throw new SafekitError(
					"VIP_INTERFACE",
					`${where} has an address in the network of the virtual address ${addr} (${present.join(", ")})`,
				);
			}),
		);
	}

	async #checkFree(fresh: Planned[]): Promise<void> {
		const { system, peerAddresses, log } = this.#options;
		await Promise.all(
			fresh.map(async ({ target, addr }) => {
				const mac = await awaitFree(system, { iface: target, addr }, peerAddresses);
				if (mac !== null) log("W", `Virtual IP ${addr} is taken over from ${mac}, which still answers for it`);
			}),
		);
	}

	/** Without room for the record the label alone has to do: a full disk must not stop a failover. */
	async #note(planned: readonly SetAddress[]): Promise<void> {
		const { record, log } = this.#options;
		try {
			await writeRecord(
				record,
				planned.map(({ iface, addr, prefix }) => ({ iface, addr, prefix })),
			);
		} catch (error) {
			log("W", `${record} could not be written: ${reasonOf(error)}`);
		}
	}

	async #add({ iface, addr, prefix, wanted }: Planned): Promise<void> {
		const primary = wanted.where === "one_side";
		await this.#options.system.add(iface, addr, prefix, { primary, label: this.#label(iface) });
	}

	#label(iface: string): string {
		return `${iface}:v${this.#options.id}`;
	}

	/** What this module has set on this machine, by its record and by its label. */
	async #ours(interfaces: readonly LocalInterface[]): Promise<SetAddress[]> {
		const recorded = await readRecord(this.#options.record);
		const labelled = interfaces.flatMap((iface) =>
			iface.addresses
				.filter((own) => own.label === this.#label(iface.name))
				.map((own) => ({ iface: iface.name, addr: own.addr, prefix: own.prefix })),
		);
		const known = (one: SetAddress) => recorded.some((old) => old.iface === one.iface && old.addr === one.addr);
		return [...recorded, ...labelled.filter((one) => !known(one))];
	}

	async #unset(): Promise<void> {
		this.#announcer.stop();
		try {
			await this.#removeAll(await this.#ours(await this.#options.system.interfaces()));
		} catch (error) {
			throw this.#known(error);
		}
		await writeRecord(this.#options.record, []);
	}

	async #removeAll(addresses: readonly SetAddress[]): Promise<void> {
		const { system, vip, log } = this.#options;
		const present = addresses.length === 0 ? [] : await system.interfaces();
		const failures: unknown[] = [];
		for (const { iface, addr, prefix } of addresses) {
			const here = present.some((each) => each.name === iface && each.addresses.some((own) => own.addr === addr));
			if (!here) continue;
			try {
				if (vip.tcpreset) await system.resetConnections(addr);
			} catch (error) {
				log("W", `Connections of virtual IP ${addr} could not be reset: ${reasonOf(error)}`);
			}
			await system.remove(iface, addr, prefix).catch((error: unknown) => failures.push(error));
		}
		if (failures.length > 0) throw failures[0];
	}

	#announced(address: SetAddress): Announced {
		const wanted =
			this.#options.vip.addresses.find((each) => each.addr === address.addr) ?? this.#options.vip.addresses[0];
		const again = wanted?.arpreroute === true ? { everyMs: wanted.arpIntervalMs, forMs: wanted.arpElapseMs } : null;
		return { iface: address.iface, addr: address.addr, prefix: address.prefix, again };
	}

	#known(error: unknown): SafekitError {
		if (error instanceof SafekitError) return error;
		return new SafekitError("VIP_SYSTEM", `the virtual address could not be changed: ${reasonOf(error)}`, {
			cause: error,
		});
	}
}

/** An address that this server has of its own is no virtual address: removing it later could cut the server off. */
function refuseForeign(addr: string, interfaces: readonly LocalInterface[], ours: readonly SetAddress[]): void {
	const holder = interfaces.find((each) => each.addresses.some((own) => own.addr === addr));
	if (holder === undefined || ours.some((old) => old.addr === addr)) return;
	const message = `the virtual address ${addr} is already configured on ${holder.name}, but not by this module`;
	throw new SafekitError("VIP_LOCAL", message);
}

export async function literal(addr: string): Promise<string> {
	if (isIP(addr) !== 0) return addr;
	try {
		return (await lookup(addr)).address;
	} catch (error) {
		throw new SafekitError("VIP_NAME", `the virtual address ${addr} does not resolve`, { cause: error });
	}
}

function reasonOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
