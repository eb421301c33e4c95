/** Which rule of `<loadbalancing_list>` a packet falls under, and what of its client is hashed. Pure. */
import { buckets } from "../../engine/farm/group.ts";
import { seed } from "../farm/hash.ts";
import { type Balancing, type FilteredAddress, type FilterRule, familyOf, type HashKind } from "./plan.ts";

export type Family = 4 | 6;

/** The keyword of nft. */
export function ipOf(family: Family): "ip" | "ip6" {
	return family === 4 ? "ip" : "ip6";
}

/** Pieces of a packet: only the first one has ports. */
export function piecesOf(family: Family): string {
	return family === 4 ? "ip frag-off & 0x3fff != 0" : "exthdr frag exists";
}

/** A hash of one group that some rule needs, with the name of its chain's end: `0_addr4`. */
export interface GroupHash {
	group: number;
	name: string;
	family: Family;
	/** The expression that gives the bucket of a packet that comes from the client. */
	jhash: string;
	/** And of one that goes to the client. */
	answer: string;
	/** Connections of TCP are told apart by it. */
	tcp: boolean;
}

const keys: Record<HashKind, string> = { on_addr: "addr", on_port: "port", on_ipid: "ipid" };

/** IPv6 packets have no id to hash: their clients are told apart by address and port. */
export function kindOf(filter: HashKind, family: Family): HashKind {
	return filter === "on_ipid" && family === 6 ? "on_port" : filter;
}

export function hashOf(
	group: number,
	{ filter, proto }: Pick<FilterRule, "filter" | "proto">,
	family: Family,
): GroupHash {
	const kind = kindOf(filter, family);
	const key = (addr: string, port: string): string => {
		const client = `${ipOf(family)} ${addr}`;
		return jhash({ on_addr: client, on_port: `${client} . ${proto} ${port}`, on_ipid: "ip id" }[kind]);
	};
	const name = `${group}_${keys[kind]}${kind === "on_port" ? `_${proto}` : ""}${family}`;
	return { group, name, family, jhash: key("saddr", "sport"), answer: key("daddr", "dport"), tcp: proto === "tcp" };
}

export function jhash(key: string): string {
	return `jhash ${key} mod ${buckets} seed 0x${seed.toString(16)}`;
}

interface Placed {
	rule: FilterRule;
	/** Indexes of its group, and of the rule in it. */
	group: number;
	index: number;
}

/** Rules for packets. The narrower one wins: one address before all, one port before all; else the first. */
export function inOrder(groups: readonly { rules: readonly FilterRule[] }[]): Placed[] {
	const all = groups.flatMap(({ rules }, group) => rules.map((rule, index) => ({ rule, group, index })));
	const weight = ({ virtualAddr, port }: FilterRule): number =>
		(virtualAddr === null ? 0 : 2) + (port === null ? 0 : 1);
	return all.filter(({ rule }) => rule.proto !== "arp").sort((one, two) => weight(two.rule) - weight(one.rule));
}

/** Every hash that the rules need for these addresses. */
export function hashesOf(balancing: Balancing, addresses: readonly FilteredAddress[]): GroupHash[] {
	const all = familiesOf(addresses).flatMap((family) => [
		...inOrder(balancing.groups)
			.filter(({ rule }) => concerns(rule, addresses, family))
			.map(({ rule, group }) => hashOf(group, rule, family)),
		...addresses
			.filter(({ addr }) => familyOf(addr) === family)
			.flatMap(({ addr }) => echoHash(balancing, addr, family) ?? []),
	]);
	const found = new Map<string, GroupHash>();
	for (const hash of all) found.set(hash.name, { ...hash, tcp: hash.tcp || found.get(hash.name)?.tcp === true });
	return [...found.values()];
}

/** Echo requests go with the first group that has a rule for the address, by the client's address. */
function echoHash({ groups }: Balancing, addr: string, family: Family): GroupHash | null {
	const group = groups.findIndex(({ rules }) =>
		rules.some((rule) => rule.proto !== "arp" && (rule.virtualAddr === null || rule.virtualAddr === addr)),
	);
	return group < 0 ? null : hashOf(group, { filter: "on_addr", proto: "udp" }, family);
}

export function familiesOf(addresses: readonly FilteredAddress[]): Family[] {
	return ([4, 6] as const).filter((family) => addresses.some(({ addr }) => familyOf(addr) === family));
}

function concerns(rule: FilterRule, addresses: readonly FilteredAddress[], family: Family): boolean {
	return addresses.some(
		({ addr }) => familyOf(addr) === family && (rule.virtualAddr === null || rule.virtualAddr === addr),
	);
}

/**
 * Rules that lead packets of TCP and UDP to the chain `prefix` + name of the hash, by the virtual address and port that
 * they go to (`d`) or come from (`s`). What no rule names falls through.
 */
export function dispatch(
	balancing: Balancing,
	addresses: readonly FilteredAddress[],
	family: Family,
	protos: readonly ("tcp" | "udp")[],
	prefix: string,
	end: "s" | "d" = "d",
): string[] {
	return placesOf(balancing, addresses, family, protos, end).map(
		({ packets, name }) => `${packets} goto ${prefix}${name}`,
	);
}

interface Place {
	rule: FilterRule;
	/** The expression that fits them. */
	packets: string;
	/** Of the hash. */
	name: string;
}

/** By rule, in the order in which they count. */
export function placesOf(
	balancing: Balancing,
	addresses: readonly FilteredAddress[],
	family: Family,
	protos: readonly ("tcp" | "udp")[],
	end: "s" | "d",
): Place[] {
	return inOrder(balancing.groups)
		.filter(({ rule }) => concerns(rule, addresses, family) && protos.some((proto) => proto === rule.proto))
		.map(({ rule, group }) => {
			const scope = rule.virtualAddr === null ? "" : `${ipOf(family)} ${end}addr ${rule.virtualAddr} `;
			const port = rule.port === null ? `meta l4proto ${rule.proto}` : `${rule.proto} ${end}port ${rule.port}`;
			return { rule, packets: `${scope}${port}`, name: hashOf(group, rule, family).name };
		});
}

export function dispatchEcho(
	balancing: Balancing,
	addresses: readonly FilteredAddress[],
	family: Family,
	prefix: string,
): string[] {
	return addresses
		.filter(({ addr }) => familyOf(addr) === family)
		.flatMap(({ addr }) => {
			const hash = echoHash(balancing, addr, family);
			return hash === null ? [] : [`${ipOf(family)} daddr ${addr} goto ${prefix}${hash.name}`];
		});
}
