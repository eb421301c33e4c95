/** Frames that leave: under which MAC address, and which of them stay here. Pure. */
import { dispatch, familiesOf, hashesOf, ipOf } from "./dispatch.ts";
import { inConnection, prolong, unleased } from "./inet.ts";
import { type Balancing, type FilteredAddress, familyOf } from "./plan.ts";
import { type Chain, listOf } from "./text.ts";

const egress = (device: string): string => `type filter hook egress device "${device}" priority 0; policy accept;`;
const welcome = "tcp flags & (syn | ack) == (syn | ack)";

/** The switch must never learn where the shared MAC address is, so that it gives the frames to every node. */
export function realSource(addresses: readonly FilteredAddress[]): Chain[] {
	const macs = new Map(addresses.flatMap(({ link, parent }) => (link === null ? [] : [[link.name, parent.mac]])));
	return [...macs].map(([link = "", mac = ""]) => ({
		name: `source_${link}`,
		hook: egress(link),
		rules: [`ether saddr set ${mac}`],
	}));
}

/**
 * What may have waited here while others took over. The kernel keeps the first answer to a client, with which a
 * connection begins, until it knows the client's MAC address, for a second and longer; after that the client has asked
 * again, and whoever has its bucket now has answered. It is looked at once more when it really leaves. Without a
 * lease nobody is told any more that an address is here.
 */
export function leaving(balancing: Balancing, addresses: readonly FilteredAddress[]): Chain[] {
	const devices = [...new Set([...addresses.map(({ parent }) => parent.name), ...balancing.lans])];
	const out = devices.map((device, index) => {
		const here = addresses.filter(({ parent }) => parent.name === device);
		const told = here.filter(({ link }) => link === null);
		const rules = [
			`${inConnection} accept`,
			prolong(balancing),
			...told.map(({ addr }) =>
				familyOf(addr) === 4
					? `arp saddr ip ${addr} ${unleased} drop`
					: `icmpv6 type nd-neighbor-advert @th,64,128 ${hexOf(addr)} ${unleased} drop`,
			),
			...familiesOf(here).map((family) => {
				const own = here.filter(({ addr }) => familyOf(addr) === family).map(({ addr }) => addr);
				return `${ipOf(family)} saddr ${listOf(own)} ${welcome} goto welcome${family}`;
			}),
		];
		return { name: `out_${index}`, hook: egress(device), rules };
	});
	// Pulses that do not get onto the cable, as no other node is found there, come by here.
	const own = { name: "own", hook: egress("lo"), rules: [prolong(balancing, "meta skuid 0 ")] };
	const ends = familiesOf(addresses).map((family) => ({
		name: `welcome${family}`,
		rules: [`${unleased} drop`, ...dispatch(balancing, addresses, family, ["tcp"], "welcome_", "s")],
	}));
	const buckets = hashesOf(balancing, addresses)
		.filter(({ tcp }) => tcp)
		.map(({ group, name, answer }) => ({ name: `welcome_${name}`, rules: [`${answer} @own_${group} accept`, "drop"] }));
	return [...out, own, ...ends, ...buckets];
}

/** The 16 bytes of an IPv6 address in one number. */
export function hexOf(addr: string): string {
	const compressed = new URL(`http://[${addr.split("%")[0]}]/`).hostname.slice(1, -1);
	const [head = "", tail] = compressed.split("::");
	const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
	const [before, after] = [groups(head), groups(tail ?? "")];
	const zeros = new Array<string>(8 - before.length - after.length).fill("0");
	return `0x${[...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join("")}`;
}
