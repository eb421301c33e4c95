/** Frames of `vmac_directed` that come in: whom they are passed on to. Pure. */
import {
	dispatch,
	dispatchEcho,
	type Family,
	familiesOf,
	type GroupHash,
	hashesOf,
	ipOf,
	jhash,
	piecesOf,
} from "./dispatch.ts";
import { ingress } from "./early.ts";
import { hexOf } from "./egress.ts";
import { always } from "./inet.ts";
import {
	type Balancing,
	bucketsWhere,
	type FilteredAddress,
	type FilterPlan,
	familyOf,
	type GroupShares,
	type Shares,
} from "./plan.ts";
import { type Chain, listOf } from "./text.ts";

/** Whoever gets the clients' frames gives them to the node that answers them, which answers the client itself. */
export function passing({ addresses, balancing }: FilterPlan, macs: Shares["macs"]): Chain[] {
	if (balancing === null) return [];
	const directed = addresses.filter(({ link }) => link === null);
	const parents = [...new Map(directed.map(({ parent }) => [parent.name, parent])).values()];
	return parents.flatMap((parent, index) => {
		const here = directed.filter((each) => each.parent.name === parent.name);
		return passingBy({ balancing, macs, addresses: here, parent, suffix: `_${index}` });
	});
}

function othersOf({ node, nodes }: Balancing): string[] {
	return nodes.filter((name) => name !== node);
}

/** By name of set, for one group: the buckets that another node owns, that it alone has connections of, and that it may. */
export function whereOf(balancing: Balancing, { owners, holders }: GroupShares, group: number): [string, number[]][] {
	return othersOf(balancing).flatMap((node, index): [string, number[]][] => [
		[`owned_${group}_${index}`, bucketsWhere(owners, (owner) => owner === node)],
		[`only_${group}_${index}`, bucketsWhere(holders, (all) => all.size === 1 && all.has(node))],
		[`among_${group}_${index}`, bucketsWhere(holders, (all) => all.size > 1 && all.has(node))],
	]);
}

interface Passing {
	balancing: Balancing;
	macs: Shares["macs"];
	/** Of `vmac_directed`, on this interface. */
	addresses: readonly FilteredAddress[];
	parent: { name: string; mac: string };
	suffix: string;
}

function passingBy(about: Passing): Chain[] {
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

/**
 * Pieces of packets, messages about a connection and neighbours' answers go to everybody: only the kernel of their node
 * knows them.
 */
function familyChains({ balancing, addresses, suffix }: Passing, family: Family): Chain[] {
	const icmp = family === 4 ? "icmp" : "icmpv6";
	const end = (rules: string[]): string[] => rules.map((rule) => `${rule}${suffix}`);
	return [
		{
			name: `in${family}${suffix}`,
			rules: [
				...end([`${piecesOf(family)} goto all`]),
				...(family === 6 ? ["icmpv6 type nd-neighbor-solicit accept"] : []),
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
