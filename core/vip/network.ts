/** Networks and masks. Pure. */
import { BlockList, isIPv4 } from "node:net";
import type { LocalInterface } from "./addresses.ts";

export function inNetwork(addr: string, base: string, prefix: number): boolean {
	if (isIPv4(addr) !== isIPv4(base)) return false;
	const family = isIPv4(addr) ? "ipv4" : "ipv6";
	const list = new BlockList();
	list.addSubnet(base, prefix, family);
	return list.check(addr, family);
}

/** Number of leading ones of a dotted mask that core/schema has checked. */
export function prefixOfMask(mask: string): number {
	return mask
		.split(".")
		.map((part) => Number(part).toString(2).replaceAll("0", "").length)
		.reduce((sum, ones) => sum + ones, 0);
}

export interface Place {
	iface: LocalInterface;
	prefix: number;
}

/**
 * Where a virtual address belongs: the interface given by name, else the one with an address in the same network, the
 * narrowest first, one that is up before one that is down. The mask is the given one, else that of the address found.
 * Undefined if there is no such interface, or no mask.
 */
export function placeOf(
	addr: string,
	wanted: { interface: string | null; netmask: string | null },
	interfaces: readonly LocalInterface[],
): Place | undefined {
	const mask = wanted.netmask === null || !isIPv4(addr) ? null : prefixOfMask(wanted.netmask);
	const named = interfaces.filter((iface) => wanted.interface === null || iface.name === wanted.interface);
	const fitting = named
		.flatMap((iface) =>
			iface.addresses
				.filter((own) => own.addr !== addr && inNetwork(addr, own.addr, own.prefix))
				.map((own) => ({ iface, prefix: own.prefix })),
		)
		.sort((one, two) => Number(two.iface.up) - Number(one.iface.up) || two.prefix - one.prefix);
	const [best] = fitting;
	if (best !== undefined) return { iface: best.iface, prefix: mask ?? best.prefix };
	const only = wanted.interface === null ? undefined : named[0];
	return only !== undefined && mask !== null ? { iface: only, prefix: mask } : undefined;
}
