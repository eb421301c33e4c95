/** Clients of others, whose frames every node gets under `vmac_invisible`: here they end where they come in. Pure. */
import { familiesOf, hashesOf, ipOf, piecesOf, placesOf } from "./dispatch.ts";
import { type Balancing, bucketsWhere, type FilteredAddress, familyOf, type GroupShares } from "./plan.ts";
import { type Chain, listOf } from "./text.ts";

export const ingress = (device: string): string =>
	`type filter hook ingress device "${device}" priority -10; policy accept;`;

/** By name of set, for one group: the buckets that this node may have connections of. */
export function mayOf({ node }: Balancing, { holders }: GroupShares, group: number): [string, number[]][] {
	return [[`may_${group}`, bucketsWhere(holders, (all) => all.has(node))]];
}

/**
 * Connections of TCP whose bucket cannot have any here. It saves what the rest of the network stack would do before the
 * filter drops them. Where a rule is for all ports it may be an answer to a connection that this node has begun.
 */
export function early(balancing: Balancing, addresses: readonly FilteredAddress[]): Chain[] {
	const shared = addresses.filter(({ link }) => link !== null);
	const parents = [...new Set(shared.map(({ parent }) => parent.name))];
	const chains = parents.map((parent, index) => {
		const here = shared.filter((each) => each.parent.name === parent);
		const rules = familiesOf(here).map((family) => {
			const own = here.filter(({ addr }) => familyOf(addr) === family).map(({ addr }) => addr);
			return `${ipOf(family)} daddr ${listOf(own)} meta l4proto tcp goto early${family}`;
		});
		return { name: `early_${index}`, hook: ingress(parent), rules };
	});
	const ends = familiesOf(shared).map((family) => ({
		name: `early${family}`,
		rules: placesOf(balancing, shared, family, ["tcp"], "d").map(
			({ rule, packets, name }) => `${packets} ${rule.port === null ? "accept" : `goto early_${name}`}`,
		),
	}));
	const buckets = hashesOf(balancing, shared)
		.filter(({ tcp }) => tcp)
		.map(({ group, name, family, jhash }) => ({
			name: `early_${name}`,
			// The other pieces, without ports, have passed: they must not wait for the first one.
			rules: [`${jhash} @may_${group} accept`, `${piecesOf(family)} accept`, "drop"],
		}));
	return [...chains, ...ends, ...buckets];
}
