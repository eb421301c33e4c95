/** What the filter has to know of this machine. Pure. */
import type { LocalInterface } from "../addresses.ts";
import { inNetwork } from "../network.ts";
import type { Planned } from "../place.ts";
import { type FilteredAddress, type FilterPlan, familyOf } from "./plan.ts";

/** Those that nodes share; the others are the machine's like any other. */
export function filteredAddresses(planned: readonly Planned[]): FilteredAddress[] {
	return planned
		.filter(({ wanted }) => wanted.shared !== null)
		.map(({ addr, parent, link }) => ({ addr, parent: { name: parent.name, mac: parent.mac }, link }));
}

/** Which address of its own each interface asks by: one in the network of a virtual address, else its first. */
export function sendersOf(interfaces: readonly LocalInterface[], planned: readonly Planned[]): FilterPlan["senders"] {
	const virtual = planned.map(({ addr }) => addr);
	const ours = new Set(planned.flatMap(({ link }) => (link === null ? [] : [link.name])));
	return interfaces
		.filter(({ name, mac, loopback }) => mac !== "" && !loopback && !ours.has(name))
		.flatMap(({ name, addresses }) => {
			const own = addresses.filter(({ addr }) => familyOf(addr) === 4 && !virtual.includes(addr));
			const near = own.find(({ addr, prefix }) => virtual.some((each) => inNetwork(each, addr, prefix)));
			const best = near ?? own[0];
			return best === undefined ? [] : [{ iface: name, addr: best.addr }];
		});
}
