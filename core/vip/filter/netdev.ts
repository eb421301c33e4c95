/** The table of frames, and what its sets hold. Pure. */
import type { SetContent } from "../addresses.ts";
import { leaving, realSource } from "./egress.ts";
import { leaseSet } from "./inet.ts";
import { passing, placesOf } from "./passing.ts";
import { bucketsWhere, type FilterPlan, type Shares } from "./plan.ts";
import { numberSet, type Table } from "./text.ts";

export function netdevTable(plan: FilterPlan, macs: Shares["macs"]): Table {
	const { table, addresses, balancing } = plan;
	const source = realSource(addresses);
	if (balancing === null) return { family: "netdev", name: table, sets: [], chains: source };
	const nothing: Shares = {
		groups: balancing.groups.map(() => ({ owners: [], holders: [], lost: [] })),
		answers: false,
		macs,
	};
	const sets = Object.keys(numbers(plan, nothing)).map(numberSet);
	const chains = [...source, ...leaving(balancing, addresses), ...passing(plan, macs)];
	return { family: "netdev", name: table, sets: [...sets, leaseSet(balancing)], chains };
}

export function netdevContents(plan: FilterPlan, shares: Shares): SetContent[] {
	if (plan.balancing === null) return [];
	const all = { lease: [0], ...numbers(plan, shares) };
	return Object.entries(all).map(([set, numbers]) => ({ family: "netdev", table: plan.table, set, numbers }));
}

/** By set. */
function numbers({ balancing, addresses }: FilterPlan, shares: Shares): Record<string, number[]> {
	if (balancing === null) return {};
	const directed = addresses.some(({ link }) => link === null);
	const sets = shares.groups.flatMap((each, group): [string, number[]][] => [
		[`own_${group}`, bucketsWhere(each.owners, (owner) => owner === balancing.node)],
		...(directed ? placesOf(balancing, each, group) : []),
	]);
	return { ...(directed ? { told: shares.answers ? [0] : [] } : {}), ...Object.fromEntries(sets) };
}
