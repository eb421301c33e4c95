/** What the filter of one module has to know that does not change while its addresses are set. Plain data. */
import type { SharedLink } from "../addresses.ts";

export interface FilterPlan {
	/** Name of the tables: `opensafe_<id>`. */
	table: string;
	addresses: FilteredAddress[];
	/** Own IPv4 addresses by interface: no question of this server for another may name a virtual address as its own. */
	senders: { iface: string; addr: string }[];
	/** Null: whoever has the address answers everybody. */
	balancing: Balancing | null;
}

export interface FilteredAddress {
	addr: string;
	/** The interface that the frames of the clients come in by. */
	parent: { name: string; mac: string };
	/** Of `vmac_invisible`; null: `vmac_directed`. */
	link: SharedLink | null;
}

export interface Balancing {
	/** UDP port of the group's pulses. */
	port: number;
	leaseMs: number;
	/** This node, and all nodes in the order of cluster.xml. */
	node: string;
	nodes: string[];
	/** Interfaces that pulses leave by. */
	lans: string[];
	groups: { name: string; rules: FilterRule[] }[];
}

export interface FilterRule {
	/** Literal; null: every address of the module. */
	virtualAddr: string | null;
	port: number | null;
	proto: "tcp" | "udp" | "arp";
	filter: HashKind;
}

export type HashKind = "on_addr" | "on_port" | "on_ipid";

/** Who answers whom now; by group, in the order of the plan. */
export interface Shares {
	groups: GroupShares[];
	/** The frames for the addresses of `vmac_directed` come to this node: it says so to those who ask. */
	answers: boolean;
	/** MAC addresses of the other nodes by interface, as far as they are known. */
	macs: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface GroupShares {
	/** Of each bucket. */
	owners: readonly (string | null)[];
	/** Nodes that may have connections of the bucket's clients, the owner included. */
	holders: readonly ReadonlySet<string>[];
	/** Buckets whose connections were on a server that is lost: nobody else can have them. */
	lost: readonly number[];
}

export function familyOf(addr: string): 4 | 6 {
	return addr.includes(":") ? 6 : 4;
}

/** The buckets for which `fits` is true, in ascending order. */
export function bucketsWhere<T>(all: readonly T[], fits: (each: T) => boolean): number[] {
	return all.flatMap((each, bucket) => (fits(each) ? [bucket] : []));
}
