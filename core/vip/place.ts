/** Where the virtual addresses of a module go on this machine. */
import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { SafekitError } from "../errors.ts";
import type { VirtualAddress } from "../module/configuration.ts";
import type { LocalInterface, SharedLink } from "./addresses.ts";
import { inNetwork, placeOf } from "./network.ts";
import type { SetAddress } from "./record.ts";

export interface Planned extends SetAddress {
	/** The interface that the clients' frames come in by; `iface` is the one that has the address. */
	parent: LocalInterface;
	/** Of `vmac_invisible`. */
	link: SharedLink | null;
	wanted: VirtualAddress;
}

/** Throws VIP_NAME, VIP_INTERFACE or VIP_LOCAL. `ours`: what this module has set already. */
export async function planAddresses(
	wanted: readonly VirtualAddress[],
	id: number,
	interfaces: readonly LocalInterface[],
	ours: readonly SetAddress[],
): Promise<Planned[]> {
	const links: SharedLink[] = [];
	const planned: Planned[] = [];
	for (const one of wanted) {
		const addr = await literal(one.addr);
		refuseForeign(addr, interfaces, ours);
		const place = placeOf(addr, one, interfaces);
		if (place === undefined) throw nowhere(addr, one, interfaces);
		const { iface: parent, prefix } = place;
		if (one.shared === null) {
			planned.push({ iface: parent.name, addr, prefix, parent, link: null, wanted: one });
			continue;
		}
		if (parent.mac === "" || parent.loopback) throw noEthernet(addr, parent);
		const { mac } = one.shared;
		const link = mac === null ? null : linkOf(links, id, parent, mac);
		// The interface below already leads to the network; where it has no address there, a link of our own must. On the
		// loopback interface an address with a network would make every address of it this machine's own.
		const near = parent.addresses.some((own) => own.addr !== addr && inNetwork(addr, own.addr, own.prefix));
		const alone = near || link === null ? (isIPv4(addr) ? 32 : 128) : prefix;
		planned.push({ iface: link?.name ?? "lo", addr, prefix: alone, parent, link, wanted: one });
	}
	return planned;
}

/** One for all addresses with the same MAC address on the same interface. */
function linkOf(links: SharedLink[], id: number, parent: LocalInterface, mac: string): SharedLink {
	const known = links.find((link) => link.mac === mac && link.parent === parent.name);
	if (known !== undefined) return known;
	const link = { name: `${linkPrefix(id)}${links.length}`, parent: parent.name, mac };
	links.push(link);
	return link;
}

/** Names of the interfaces that a module makes begin so. */
export function linkPrefix(id: number): string {
	return `sk${id}v`;
}

function nowhere(addr: string, wanted: VirtualAddress, interfaces: readonly LocalInterface[]): SafekitError {
	const present = interfaces.flatMap((each) =>
		each.loopback ? [] : each.addresses.map((own) => `${each.name} ${own.addr}/${own.prefix}`),
	);
	const where = wanted.interface === null ? "no interface" : `the interface ${wanted.interface} does not exist or`;
	const message = `${where} has an address in the network of the virtual address ${addr} (${present.join(", ")})`;
	return new SafekitError("VIP_INTERFACE", message);
}

function noEthernet(addr: string, { name }: LocalInterface): SafekitError {
	const message = `${name}, where the virtual address ${addr} belongs, is no Ethernet interface: nodes cannot share it`;
	return new SafekitError("VIP_INTERFACE", message);
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
