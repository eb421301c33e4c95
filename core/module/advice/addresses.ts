/** Virtual addresses that cannot be set, or that would not be missed (spec/02 §5). */
import { isIP } from "node:net";
import type { Cluster } from "../../cluster/cluster.ts";
import { descendants, textOf } from "../../schema/access.ts";
import { unzoned } from "../../schema/ipv6.ts";
import type { ProblemDetails } from "../../schema/report.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { LocalInterface } from "../../vip/addresses.ts";
import { inNetwork, prefixOfMask } from "../../vip/network.ts";
import type { ModuleConfiguration } from "../configuration.ts";

export interface AddressContext {
	cluster: Cluster | undefined;
	/** Configurations in force of other modules. */
	others: readonly ModuleConfiguration[];
	/** Of this module. */
	inForce: ModuleConfiguration | null;
	/** Of this server; empty: unknown. */
	interfaces: readonly LocalInterface[];
}

export function addressAdvice(read: Userconfig, context: AddressContext): void {
	const farm = textOf(read.service, "mode") === "farm";
	for (const intf of descendants(read.service, "vip", "interface_list", "interface")) {
		const places = [...descendants(intf, "real_interface"), ...descendants(intf, "virtual_interface")];
		for (const { element, place } of places.flatMap((place) =>
			descendants(place, "virtual_addr").map((element) => ({ element, place })),
		)) {
			const addr = textOf(element, "addr");
			// Only the name service knows what a name stands for when it is used.
			if (addr === null || isIP(addr) === 0) continue;
			const directed = farm && textOf(place, "type") !== "vmac_invisible";
			const wanted = { interface: textOf(intf, "name"), netmask: textOf(element, "netmask"), directed };
			const found = takenBy(addr, context) ?? networkFault(addr, wanted, context);
			if (found === null) continue;
			const { message, ...details } = found;
			read.report.add("CONFIG_ADDRESS", message, element.xml, { attribute: "addr", found: addr, ...details });
		}
	}
}

type Finding = ProblemDetails & { message: string };

/** Somebody else has the address. */
function takenBy(addr: string, { cluster, others, inForce, interfaces }: AddressContext): Finding | null {
	const node = cluster?.lans
		.flatMap(({ nodes }) => nodes)
		.find((each) => [each.addr, each.laddr].some((own) => own !== undefined && isSame(own, addr)));
	if (node !== undefined) {
		return {
			message: `${addr} is the own address of ${node.name}`,
			remedy: "Choose an address that no machine has: the module sets it where it is needed.",
		};
	}
	const other = others.find((each) => each.vip?.addresses.some((its) => isSame(its.addr, addr)));
	if (other !== undefined) {
		return {
			message: `${addr} is a virtual address of the module ${other.module} too`,
			remedy: "Give each module addresses of its own: they may run on different servers.",
		};
	}
	const holder = interfaces.find((each) => each.addresses.some((its) => isSame(its.addr, addr)));
	// A module that runs has set its address itself.
	if (holder === undefined || inForce?.vip?.addresses.some((its) => isSame(its.addr, addr))) return null;
	return {
		message: `${addr} is set on ${holder.name} of this server already`,
		severity: "warning",
		remedy: "Remove it from this server's own network configuration: only the module may set it.",
	};
}

/** The address belongs into a network of this server, and into one in which the servers watch each other. */
function networkFault(
	addr: string,
	{ interface: wanted, netmask, directed }: { interface: string | null; netmask: string | null; directed: boolean },
	{ cluster, interfaces }: AddressContext,
): Finding | null {
	const named = interfaces.filter(({ name }) => wanted === null || name === wanted);
	if (interfaces.length > 0 && named.length === 0) {
		return {
			message: `this server has no interface ${wanted}`,
			severity: "warning",
			expected: interfaces.map(({ name }) => name).join(", "),
			remedy: "Correct the name in <interface>; it must be the same on all servers.",
		};
	}
	const around = named.flatMap((each) =>
		each.addresses.filter((own) => {
			const prefix = netmask === null || own.family === 6 ? own.prefix : prefixOfMask(netmask);
			return !isSame(own.addr, addr) && inNetwork(addr, own.addr, prefix);
		}),
	);
	if (around.length === 0) {
		// A named interface needs no address of that network, if the mask is given and no server has to reach the others
		// there to pass clients' frames on.
		if (interfaces.length === 0 || (wanted !== null && netmask !== null && !directed)) return null;
		return {
			message: `no interface of this server has an address in the network of ${addr}`,
			severity: "warning",
			remedy: "Correct the address, or give each server an address of its own in that network.",
		};
	}
	const ofLans = cluster?.lans.flatMap(({ nodes }) => nodes.flatMap(({ addr: one, laddr }) => [one, laddr ?? one]));
	if (ofLans === undefined || around.some((own) => ofLans.some((each) => isSame(each, own.addr)))) return null;
	return {
		message: `${addr} is outside the subnet of every lan of cluster.xml`,
		severity: "warning",
		remedy:
			"Nobody would notice that clients cannot reach the server: add a <lan> with the servers' addresses in that network to cluster.xml and to <heart> or <farm>, or correct the address.",
	};
}

function isSame(one: string, other: string): boolean {
	return unzoned(one) === unzoned(other);
}
