/** Which server answers a client of a farm, and why. Pure: what the filter does, said in advance. */
import { isIP, isIPv4 } from "node:net";
import type { FarmModule, FarmShare } from "../../engine/farm/group.ts";
import { ownersOf, rankings } from "../../engine/farm/shares.ts";
import type { BalancingRule, VipConfiguration } from "../../module/configuration.ts";
import { inOrder, kindOf } from "../filter/dispatch.ts";
import { familyOf, type HashKind } from "../filter/plan.ts";
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

/** By the rule that wins of those that name the traffic; without a port by each that may. Empty: it is denied. */
export function explain(vip: VipConfiguration, shares: readonly FarmShare[], asked: Asked): Explanation[] {
	const rules = inOrder(vip.balancing);
	return reachable(vip, asked).flatMap((addr) => {
		const fitting = rules.filter(({ rule }) => names(rule, addr, asked));
		// What comes after a rule for every port is left with none.
		const last = fitting.findIndex(({ rule }) => asked.port !== null || rule.port === null);
		return (last < 0 ? fitting : fitting.slice(0, last + 1)).map(({ group: at, index, rule }) => {
			const group = vip.balancing[at]?.name ?? "";
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

/** What is hashed of this client's packets. */
export function hashedOf({ filter }: BalancingRule, client: string): HashKind {
	return kindOf(filter, familyOf(client));
}

function bucketFor(rule: BalancingRule, { client, clientPort }: Asked): number | null {
	const kind = hashedOf(rule, client);
	if (kind === "on_port" && clientPort === null) return null;
	return bucketOf(kind, client, clientPort ?? 0);
}
