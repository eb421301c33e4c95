/** The filter itself: which clients this node answers (design §7). Pure. */
import type { SetContent } from "../addresses.ts";
import { dispatch, dispatchEcho, type Family, familiesOf, hashesOf, ipOf } from "./dispatch.ts";
import { type Balancing, bucketsWhere, type FilteredAddress, type FilterPlan, familyOf, type Shares } from "./plan.ts";
import { type Chain, listOf, numberSet, type Table } from "./text.ts";

/** After connection tracking, before anybody's translation of addresses. */
const clientsHook = "type filter hook prerouting priority -150; policy accept;";
/** After every translation of addresses. */
const answersHook = "type filter hook postrouting priority 200; policy accept;";
const beginning = "tcp flags & (fin | syn | rst | ack) == syn";
/** What nearly all packets of TCP are: looked at before anything else. */
export const inConnection = "tcp flags & syn == 0";
const neighbours = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }";
/**
 * The lease has one element; nft needs something to look up that is always the same. `numgen` would be one number that
 * all processors write, or a random one.
 */
export const always = "jhash meta mark mod 1";
const leased = `${always} @lease`;
/** No lease: this node takes nothing in and begins nothing, since the others may have taken its clients over. */
export const unleased = `${always} != @lease`;

/** A set that is empty as soon as no pulse has left this node for `leaseMs`, and stays so until the next batch. */
export function leaseSet({ leaseMs }: Balancing): string {
	return `set lease {\n\ttypeof numgen inc mod 1\n\tsize 16\n\tflags dynamic,timeout\n\ttimeout ${leaseMs}ms\n}`;
}

/** Every pulse that goes out prolongs a lease that lives. */
export function prolong({ port }: Balancing, more = ""): string {
	return `udp dport ${port} ${more}${leased} update @lease { ${always} }`;
}

export function inetTable(plan: FilterPlan): Table {
	const { balancing, addresses } = plan;
	const links = [...new Set(addresses.flatMap(({ link }) => (link === null ? [] : [link.name])))];
	const clients: Chain = { name: "clients", hook: clientsHook, rules: ['iifname "lo" accept'] };
	for (const link of links) clients.rules.push(...onlyOwn(link, addresses));
	if (balancing === null) return { family: "inet", name: plan.table, sets: [], chains: [clients] };
	// A connection has one server: its answers may go out as long as that one lives.
	const answers: Chain = {
		name: "answers",
		hook: answersHook,
		rules: [`${inConnection} accept`, prolong(balancing, "meta skuid 0 "), 'oifname "lo" accept'],
	};
	const chains: Chain[] = [];
	for (const family of familiesOf(addresses)) {
		const own = addresses.filter(({ addr }) => familyOf(addr) === family);
		const ip = ipOf(family);
		const interfaces = new Set(own.flatMap(({ parent, link }) => [parent.name, ...(link === null ? [] : [link.name])]));
		const named = listOf([...interfaces].map((name) => `"${name}"`));
		const virtual = listOf(own.map(({ addr }) => addr));
		clients.rules.unshift(`${ip} daddr ${virtual} ${inConnection} ct state established ${leased} accept`);
		clients.rules.push(`${ip} daddr ${virtual} iifname ${named} goto to${family}`);
		answers.rules.push(`${ip} saddr ${virtual} ${unleased} drop`);
		chains.push(...familyChains(balancing, addresses, family));
	}
	chains.push(...groupChains(balancing, addresses));
	const sets = balancing.groups.flatMap((_, group) => [numberSet(`own_${group}`), numberSet(`lost_${group}`)]);
	sets.push(leaseSet(balancing));
	return { family: "inet", name: plan.table, sets, chains: [...chains, clients, answers] };
}

/** By the interface of our own comes a second copy of every broadcast, and what some router wants to have forwarded. */
function onlyOwn(link: string, addresses: readonly FilteredAddress[]): string[] {
	return ([4, 6] as const).flatMap((family) => {
		const own = addresses.filter((each) => each.link?.name === link && familyOf(each.addr) === family);
		const proto = `iifname "${link}" meta nfproto ipv${family}`;
		if (own.length === 0) return [`${proto} drop`];
		const exempt = family === 6 ? [`iifname "${link}" ${neighbours} accept`] : [];
		return [...exempt, `iifname "${link}" ${ipOf(family)} daddr != ${listOf(own.map(({ addr }) => addr))} drop`];
	});
}

/**
 * A connection stays where it began. UDP and echo requests go by their bucket alone. What belongs to no connection of
 * this node is left to the node that has it: no reset, no error.
 */
function familyChains(balancing: Balancing, addresses: readonly FilteredAddress[], family: Family): Chain[] {
	const echo = family === 4 ? "icmp type echo-request" : "icmpv6 type echo-request";
	return [
		{
			name: `to${family}`,
			rules: [
				...(family === 6 ? [`${neighbours} accept`] : []),
				`${unleased} drop`,
				`meta l4proto tcp ${beginning} ct state != related goto new${family}`,
				"meta l4proto tcp ct state established accept",
				"ct state established ct direction reply accept",
				"ct state related accept",
				"ct state invalid drop",
				`meta l4proto tcp ct state new goto old${family}`,
				`${echo} goto echo${family}`,
				`goto new${family}`,
			],
		},
		{ name: `new${family}`, rules: [...dispatch(balancing, addresses, family, ["tcp", "udp"], "own_"), "drop"] },
		{ name: `old${family}`, rules: [...dispatch(balancing, addresses, family, ["tcp"], "lost_"), "drop"] },
		{ name: `echo${family}`, rules: [...dispatchEcho(balancing, addresses, family, "own_"), "drop"] },
	];
}

function groupChains(balancing: Balancing, addresses: readonly FilteredAddress[]): Chain[] {
	return hashesOf(balancing, addresses).flatMap(({ group, name, jhash, tcp }) => [
		{ name: `own_${name}`, rules: [`${jhash} @own_${group} accept`, "drop"] },
		...(tcp
			? [{ name: `lost_${name}`, rules: [`meta l4proto tcp ${jhash} @lost_${group} reject with tcp reset`, "drop"] }]
			: []),
	]);
}

export function inetContents({ table, balancing }: FilterPlan, { groups }: Shares): SetContent[] {
	if (balancing === null) return [];
	const fill = (set: string, numbers: readonly number[]): SetContent => ({ family: "inet", table, set, numbers });
	return [
		fill("lease", [0]),
		...groups.flatMap(({ owners, lost }, group) => [
			fill(
				`own_${group}`,
				bucketsWhere(owners, (owner) => owner === balancing.node),
			),
			fill(`lost_${group}`, lost),
		]),
	];
}
