/** The table of frames, and what its sets hold. Pure. */
import type { SetContent } from "../addresses.ts";
import { early, mayOf } from "./early.ts";
import { leaving, realSource } from "./egress.ts";
import { leaseSet } from "./inet.ts";
import { passing, whereOf } from "./passing.ts";
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
	const chains = [...source, ...leaving(balancing, addresses), ...early(balancing, addresses), ...passing(plan, macs)];
	return { family: "netdev", name: table, sets: [...sets, leaseSet(balancing)], chains };
}

export function netdevContents(plan: FilterPlan, shares: Shares): SetContent[] {
	return plan.balancing === null ? [] : contents(plan, { lease: [0], ...numbers(plan, shares) });
}

/** Where connections may be, and nothing else: the lease goes on as it is. */
export function whereContents(plan: FilterPlan, shares: Shares): SetContent[] {
	return contents(plan, whereNumbers(plan, shares));
}

function contents({ table }: FilterPlan, sets: Record<string, number[]>): SetContent[] {
	return Object.entries(sets).map(([set, numbers]) => ({ family: "netdev", table, set, numbers }));
}

/** By set. */
function numbers(plan: FilterPlan, shares: Shares): Record<string, number[]> {
	const { balancing, addresses } = plan;
	if (balancing === null) return {};
	const told: [string, number[]][] = directed(addresses) ? [["told", shares.answers ? [0] : []]] : [];
	const own = shares.groups.map(({ owners }, group): [string, number[]] => [
		`own_${group}`,
		bucketsWhere(owners, (owner) => owner === balancing.node),
	]);
	return { ...Object.fromEntries([...told, ...own]), ...whereNumbers(plan, shares) };
}

/** Of it, what says where connections may be. */
function whereNumbers({ balancing, addresses }: FilterPlan, { groups }: Shares): Record<string, number[]> {
	if (balancing === null) return {};
	const sets = groups.flatMap((each, group) => [
		...(directed(addresses) ? whereOf(balancing, each, group) : []),
		...(invisible(addresses) ? mayOf(balancing, each, group) : []),
	]);
	return Object.fromEntries(sets);
}

const directed = (addresses: FilterPlan["addresses"]): boolean => addresses.some(({ link }) => link === null);
const invisible = (addresses: FilterPlan["addresses"]): boolean => addresses.some(({ link }) => link !== null);
