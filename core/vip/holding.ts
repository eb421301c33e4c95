/** What one module has set on this machine: found again after a crash, and taken away. */
import { SafekitError } from "../errors.ts";
import type { AddressSystem, LocalInterface } from "./addresses.ts";
import { families, removalOf } from "./filter/text.ts";
import { linkPrefix, type Planned } from "./place.ts";
import { type Held, nothing, readRecord, type SetAddress, writeRecord } from "./record.ts";

export interface HoldingOptions {
	/** The module's number, in the names of all that it makes. */
	id: number;
	/** Connections of an address are reset before it goes. */
	tcpreset: boolean;
	system: AddressSystem;
	record: string;
	log(level: "E" | "I" | "W", text: string): void;
}

export class Holding {
	readonly #options: HoldingOptions;
	/** What was noted last: it may have found no room in the record. */
	#noted: Held = nothing;
	/** Of the tables of nftables. */
	readonly table: string;

	constructor(options: HoldingOptions) {
		this.#options = options;
		this.table = `opensafe_${options.id}`;
	}

	/** By what this process noted, by the record, by the labels and by the names. */
	async find(interfaces: readonly LocalInterface[]): Promise<Held> {
		const noted = [this.#noted, await readRecord(this.#options.record)];
		const labelled = interfaces.flatMap((iface) =>
			iface.addresses
				.filter((own) => own.label === this.#label(iface.name))
				.map((own) => ({ iface: iface.name, addr: own.addr, prefix: own.prefix })),
		);
		const addresses = [...noted.flatMap((one) => one.addresses), ...labelled];
		const named = new RegExp(`^${linkPrefix(this.#options.id)}\\d+$`);
		const links = interfaces.map(({ name }) => name).filter((name) => named.test(name));
		return {
			addresses: addresses.filter((one, index) => addresses.findIndex((each) => isSame(each, one)) === index),
			links: [...new Set([...noted.flatMap((one) => one.links), ...links])],
			// An address on the loopback interface is one of vmac_directed.
			filter: noted.some((one) => one.filter) || links.length > 0 || labelled.some(({ iface }) => iface === "lo"),
		};
	}

	/** Without room for the record it is known until this process ends: a full disk must not stop a failover. */
	async note(held: Held): Promise<void> {
		const { record, log } = this.#options;
		const addresses = held.addresses.map(({ iface, addr, prefix }) => ({ iface, addr, prefix }));
		this.#noted = { ...held, addresses };
		try {
			await writeRecord(record, this.#noted);
		} catch (error) {
			log("W", `${record} could not be written: ${reasonOf(error)}`);
		}
	}

	/** The interfaces of our own, with the filter between them and the address: down, then closed, then up. */
	async raiseLinks(planned: readonly Planned[], filter: string): Promise<void> {
		const { system } = this.#options;
		const links = new Map(planned.flatMap(({ link }) => (link === null ? [] : [[link.name, link]])));
		for (const link of links.values()) await system.addLink(link);
		await system.filter(filter);
		// Without it every server would answer everybody.
		if ((await system.listTables(families, this.table)) === null) {
			throw new Error(`nft reported no error, and the tables ${this.table} are not there`);
		}
		for (const name of links.keys()) await system.raiseLink(name);
	}

	async add({ iface, addr, prefix }: SetAddress, primary = false): Promise<void> {
		await this.#options.system.add(iface, addr, prefix, { primary, label: this.#label(iface) });
	}

	#label(iface: string): string {
		return `${iface}:v${this.#options.id}`;
	}

	/** Everything, also what a record of before a crash names. Throws VIP_SYSTEM after everything was tried. */
	async removeAll(): Promise<void> {
		const interfaces = await this.#options.system.interfaces();
		await this.remove(await this.find(interfaces));
		this.#noted = nothing;
		await writeRecord(this.#options.record, nothing);
	}

	/** The filter last: until the address is gone, nobody may be answered who was not before. */
	async remove({ addresses, links, filter }: Held): Promise<void> {
		const { system } = this.#options;
		const failures: unknown[] = [];
		const failed = (error: unknown) => failures.push(error);
		const present = addresses.length === 0 ? [] : await system.interfaces();
		for (const address of addresses) {
			const here = present.find(({ name }) => name === address.iface)?.addresses ?? [];
			if (here.some((own) => own.addr === address.addr)) await this.#removeAddress(address).catch(failed);
		}
		for (const name of links) await system.removeLink(name).catch(failed);
		if (filter && failures.length === 0) await system.filter(removalOf(this.table)).catch(failed);
		if (failures.length > 0) throw asVipError(failures[0]);
	}

	async #removeAddress({ iface, addr, prefix }: SetAddress): Promise<void> {
		const { system, tcpreset, log } = this.#options;
		try {
			if (tcpreset) await system.resetConnections(addr);
		} catch (error) {
			log("W", `Connections of virtual IP ${addr} could not be reset: ${reasonOf(error)}`);
		}
		await system.remove(iface, addr, prefix);
	}
}

export function isSame(one: SetAddress, two: SetAddress): boolean {
	return one.iface === two.iface && one.addr === two.addr;
}

export function asVipError(error: unknown): SafekitError {
	if (error instanceof SafekitError) return error;
	const message = `the virtual address could not be changed: ${reasonOf(error)}`;
	return new SafekitError("VIP_SYSTEM", message, { cause: error });
}

export function reasonOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
