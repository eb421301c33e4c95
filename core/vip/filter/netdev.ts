/** Frames: under which MAC address they leave, and whom they are passed on to. Pure. */
import type { SetContent } from "../addresses.ts";
import { dispatch, dispatchEcho, type Family, familiesOf, type GroupHash, hashesOf, ipOf, jhash } from "./dispatch.ts";
import { always, leaseSet, prolong, unleased } from "./inet.ts";
import { type Balancing, bucketsWhere, type FilteredAddress, type FilterPlan, familyOf, type Shares } from "./plan.ts";
import { type Chain, listOf, numberSet, type Table } from "./text.ts";

const egress = (device: string): string => `type filter hook egress device "${device}" priority 0; policy accept;`;
const ingress = (device: string): string => `type filter hook ingress device "${device}" priority -10; policy accept;`;

export function netdevTable(plan: FilterPlan, macs: Shares["macs"]): Table {
	const { table, addresses, balancing } = plan;
	const chains = [...realSource(addresses)];
	const directed = addresses.filter(({ link }) => link === null);
	if (balancing === null || directed.length === 0) return { family: "netdev", name: table, sets: [], chains };
	const parents = [...new Map(directed.map(({ parent }) => [parent.name, parent])).values()];
	chains.push(...leasedAnswers(balancing, directed));
	for (const [index, parent] of parents.entries()) {
		const here = directed.filter((each) => each.parent.name === parent.name);
		chains.push(...passing({ balancing, macs, addresses: here, parent, suffix: `_${index}` }));
	}
	const others = othersOf(balancing);
	const sets = balancing.groups.flatMap((_, group) => [
		`own_${group}`,
		...others.flatMap((_, index) => [`owned_${group}_${index}`, `only_${group}_${index}`, `among_${group}_${index}`]),
	]);
	return { family: "netdev", name: table, sets: [...["told", ...sets].map(numberSet), leaseSet(balancing)], chains };
}

function othersOf({ node, nodes }: Balancing): string[] {
	return nodes.filter((name) => name !== node);
}

export function netdevContents({ table, addresses, balancing }: FilterPlan, shares: Shares): SetContent[] {
	if (balancing === null || addresses.every(({ link }) => link !== null)) return [];
	const fill = (set: string, numbers: readonly number[]): SetContent => ({ family: "netdev", table, set, numbers });
	return [
		fill("lease", [0]),
		fill("told", shares.answers ? [0] : []),
		...shares.groups.flatMap(({ owners, holders }, group) => [
			fill(
				`own_${group}`,
				bucketsWhere(owners, (owner) => owner === balancing.node),
			),
			...othersOf(balancing).flatMap((node, index) => [
				fill(
					`owned_${group}_${index}`,
					bucketsWhere(owners, (owner) => owner === node),
				),
				fill(
					`only_${group}_${index}`,
					bucketsWhere(holders, (all) => all.size === 1 && all.has(node)),
				),
				fill(
					`among_${group}_${index}`,
					bucketsWhere(holders, (all) => all.size > 1 && all.has(node)),
				),
			]),
		]),
	];
}

/** The switch must never learn where the shared MAC address is, so that it gives the frames to every node. */
function realSource(addresses: readonly FilteredAddress[]): Chain[] {
	const macs = new Map(addresses.flatMap(({ link, parent }) => (link === null ? [] : [[link.name, parent.mac]])));
	return [...macs].map(([link = "", mac = ""]) => ({
		name: `source_${link}`,
		hook: egress(link),
		rules: [`ether saddr set ${mac}`],
	}));
}

/** Without a lease nobody is told any more that the address is here. */
function leasedAnswers(balancing: Balancing, directed: readonly FilteredAddress[]): Chain[] {
	const devices = [...new Set([...directed.map(({ parent }) => parent.name), ...balancing.lans])];
	return devices.map((device, index) => {
		const here = directed.filter(({ parent }) => parent.name === device);
		return {
			name: `out_${index}`,
			hook: egress(device),
			rules: [
				prolong(balancing),
				...here.map(({ addr }) =>
					familyOf(addr) === 4
						? `arp saddr ip ${addr} ${unleased} drop`
						: `icmpv6 type nd-neighbor-advert @th,64,128 ${hexOf(addr)} ${unleased} drop`,
				),
			],
		};
	});
}

interface Passing {
	balancing: Balancing;
	macs: Shares["macs"];
	/** Of `vmac_directed`, on this interface. */
	addresses: readonly FilteredAddress[];
	parent: { name: string; mac: string };
	suffix: string;
}

/** Whoever gets the clients' frames gives them to the node that answers them, which answers the client itself. */
function passing(about: Passing): Chain[] {
	const { balancing, macs, addresses, parent, suffix } = about;
	const others = [...(macs.get(parent.name) ?? [])];
	const asked = addresses.map((address, index) => askedChain(about, address, index));
	// What a node has passed on is never passed on again.
	const strangers = others.length === 0 ? "" : `ether saddr != ${listOf(others.map(([, mac]) => mac))} `;
	const rules = addresses.map(({ addr }, index) =>
		familyOf(addr) === 4
			? `arp operation request arp daddr ip ${addr} goto asked_${index}${suffix}`
			: `icmpv6 type nd-neighbor-solicit @th,64,128 ${hexOf(addr)} goto asked_${index}${suffix}`,
	);
	for (const family of familiesOf(addresses)) {
		const own = addresses.filter(({ addr }) => familyOf(addr) === family).map(({ addr }) => addr);
		rules.push(`${ipOf(family)} daddr ${listOf(own)} meta pkttype host ${strangers}goto in${family}${suffix}`);
	}
	const nodes = othersOf(balancing);
	const everybody = others.map(([name]) => `jump copy_${nodes.indexOf(name)}${suffix}`);
	return [
		{ name: `in${suffix}`, hook: ingress(parent.name), rules },
		...asked,
		...familiesOf(addresses).flatMap((family) => familyChains(about, family)),
		{ name: `all${suffix}`, rules: everybody },
		...hashesOf(balancing, addresses).flatMap((hash) => hashChains(about, hash, nodes)),
		...nodes.flatMap((name, index) => nodeChains(about, name, index)),
	];
}

/** A rule for arp shares out who answers a question; else one node answers all. */
function askedChain({ balancing, suffix }: Passing, { addr }: FilteredAddress, index: number): Chain {
	const name = `asked_${index}${suffix}`;
	const group = balancing.groups.findIndex(({ rules }) =>
		rules.some(({ proto, virtualAddr }) => proto === "arp" && (virtualAddr === null || virtualAddr === addr)),
	);
	if (group < 0) return { name, rules: [`${always} @told accept`, "drop"] };
	const key = familyOf(addr) === 4 ? "arp saddr ip" : "ip6 saddr";
	return { name, rules: [`${jhash(key)} @own_${group} accept`, "drop"] };
}

/** Pieces of packets and messages about a connection go to everybody: only the kernel of its node knows them. */
function familyChains({ balancing, addresses, suffix }: Passing, family: Family): Chain[] {
	const pieces = family === 4 ? "ip frag-off & 0x3fff != 0" : "exthdr frag exists";
	const icmp = family === 4 ? "icmp" : "icmpv6";
	const end = (rules: string[]): string[] => rules.map((rule) => `${rule}${suffix}`);
	return [
		{
			name: `in${family}${suffix}`,
			rules: [
				...end([`${pieces} goto all`]),
				...(family === 6 ? ["icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"] : []),
				...end([
					`${icmp} type echo-request goto echo${family}`,
					`meta l4proto ${family === 4 ? "icmp" : "ipv6-icmp"} goto all`,
					`tcp flags & (fin | syn | rst | ack) == syn goto new${family}`,
					`meta l4proto udp goto new${family}`,
					`meta l4proto tcp goto old${family}`,
				]),
			],
		},
		{ name: `new${family}${suffix}`, rules: end(dispatch(balancing, addresses, family, ["tcp", "udp"], "own_")) },
		{ name: `old${family}${suffix}`, rules: end(dispatch(balancing, addresses, family, ["tcp"], "held_")) },
		{ name: `echo${family}${suffix}`, rules: end(dispatchEcho(balancing, addresses, family, "own_")) },
	];
}

function hashChains({ suffix }: Passing, hash: GroupHash, nodes: readonly string[]): Chain[] {
	const { group, name, jhash: bucket, tcp } = hash;
	const to = (set: string, verdict: string): string[] =>
		nodes.map((_, index) => `${bucket} @${set}_${group}_${index} ${verdict}_${index}${suffix}`);
	const held = { name: `held_${name}${suffix}`, rules: [...to("only", "goto to"), ...to("among", "jump copy")] };
	return [{ name: `own_${name}${suffix}`, rules: to("owned", "goto to") }, ...(tcp ? [held] : [])];
}

function nodeChains({ macs, parent, suffix }: Passing, name: string, index: number): Chain[] {
	const mac = macs.get(parent.name)?.get(name);
	const readdress = `ether daddr set ${mac} ether saddr set ${parent.mac}`;
	return [
		{ name: `to_${index}${suffix}`, rules: [mac === undefined ? "drop" : `${readdress} fwd to "${parent.name}"`] },
		{ name: `copy_${index}${suffix}`, rules: mac === undefined ? [] : [`${readdress} dup to "${parent.name}"`] },
	];
}

/** The 16 bytes of an IPv6 address in one number. */
function hexOf(addr: string): string {
	const compressed = new URL(`http://[${addr.split("%")[0]}]/`).hostname.slice(1, -1);
	const [head = "", tail] = compressed.split("::");
	const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
	const [before, after] = [groups(head), groups(tail ?? "")];
	const zeros = new Array<string>(8 - before.length - after.length).fill("0");
	return `0x${[...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join("")}`;
}
