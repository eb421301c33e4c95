/** Which server answers a client of a farm, and why. Pure: what the filter does, said in advance. */
import { isIP, isIPv4 } from "node:net";
import type { FarmModule, FarmShare } from "../../engine/farm/group.ts";
import { ownersOf, rankings } from "../../engine/farm/shares.ts";
import type { BalancingRule, VipConfiguration } from "../../module/configuration.ts";
import { bucketOf } from "./hash.ts";

export interface Asked {
	/** The client's address. */
	client: string;
	proto: "tcp" | "udp";
	/** The port that it asks; null: any. */
	port: number | null;
	/** Its own port, where rules share out by it. */
	clientPort: number | null;
	/** One virtual address; null: all that the client can reach. */
	to: string | null;
}

/** What becomes of the client's packets to one virtual address by one rule. */
export interface Explanation {
	addr: string;
	group: string;
	/** Index in its group. */
	index: number;
	rule: BalancingRule;
	/** Null: each packet or each port of the client has a bucket of its own. */
	bucket: number | null;
	/** Null: nobody answers now, or it depends on the bucket. */
	owner: string | null;
	/** The bucket is on its way from one server to another, or no server takes part. */
	free: boolean;
}

/** By the first rule that names the traffic; without a port by each rule that may. Empty: it is denied. */
export function explain(vip: VipConfiguration, shares: readonly FarmShare[], asked: Asked): Explanation[] {
	const rules = vip.balancing.flatMap(({ name, rules }) => rules.map((rule, index) => ({ group: name, index, rule })));
	return reachable(vip, asked).flatMap((addr) => {
		const fitting = rules.filter(({ rule }) => names(rule, addr, asked));
		return (asked.port === null ? fitting : fitting.slice(0, 1)).map(({ group, index, rule }) => {
			const bucket = bucketFor(rule, asked);
			const owners = shares.find(({ name }) => name === group)?.owners ?? [];
			const owner = bucket === null ? null : (owners[bucket] ?? null);
			return { addr, group, index, rule, bucket, owner, free: bucket !== null && owner === null };
		});
	});
}

/** What the group would agree on if all its nodes ran. */
export function sharesOfAll({ nodes, groups }: FarmModule): FarmShare[] {
	return groups.map((group) => ({
		name: group.name,
		owners: ownersOf(rankings(nodes, group), () => true).map((node) => (node === null ? null : (nodes[node] ?? null))),
	}));
}

/** Virtual addresses that the client can speak to; one that is given by name may be of either family. */
export function reachable({ addresses }: VipConfiguration, { client, to }: Asked): string[] {
	return addresses
		.map(({ addr }) => addr)
		.filter((addr) => (to === null || addr === to) && (isIP(addr) === 0 || isIPv4(addr) === isIPv4(client)));
}

function names(rule: BalancingRule, addr: string, { proto, port }: Asked): boolean {
	const here = rule.virtualAddr === null || rule.virtualAddr === addr;
	return here && rule.proto === proto && (port === null || rule.port === null || rule.port === port);
}

function bucketFor({ filter }: BalancingRule, { client, clientPort }: Asked): number | null {
	if (filter === "on_port" && clientPort === null) return null;
	return bucketOf(filter, client, clientPort ?? 0);
}
