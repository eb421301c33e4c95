/** What the filter of a farm is for: its addresses, where clients come in, and who answers by which rule. */
import { type FarmModule, leaseMs } from "../../engine/farm/group.ts";
import type { VipConfiguration } from "../../module/configuration.ts";
import type { LocalInterface } from "../addresses.ts";
import { filteredAddresses, sendersOf } from "../filter/facts.ts";
import type { FilterPlan } from "../filter/plan.ts";
import { literal, type Planned } from "../place.ts";
import { resolved } from "./neighbours.ts";

/** `table`: name of the module's tables. Throws VIP_NAME if the address of a rule does not resolve. */
export async function planFilter(
	{ farm, vip }: { farm: FarmModule; vip: VipConfiguration },
	table: string,
	planned: readonly Planned[],
	interfaces: readonly LocalInterface[],
): Promise<FilterPlan> {
	const literals = new Map(planned.map(({ wanted, addr }) => [wanted.addr, addr]));
	const groups = await Promise.all(
		vip.balancing.map(async ({ name, rules }) => ({
			name,
			rules: await Promise.all(
				rules.map(async (rule) => {
					const { virtualAddr } = rule;
					if (virtualAddr === null) return rule;
					return { ...rule, virtualAddr: literals.get(virtualAddr) ?? (await literal(virtualAddr)) };
				}),
			),
		})),
	);
	const has = (addr: string | null) => (each: LocalInterface) => each.addresses.some((own) => own.addr === addr);
	const locals = await Promise.all(farm.lans.map(({ localAddr }) => resolved(localAddr)));
	const lans = locals.flatMap((addr) => interfaces.find(has(addr))?.name ?? []);
	return {
		table,
		addresses: filteredAddresses(planned),
		senders: sendersOf(interfaces, planned),
		balancing: {
			port: farm.port,
			leaseMs: leaseMs(farm),
			node: farm.node,
			nodes: farm.nodes,
			lans: [...new Set(lans)].filter((name) => name !== "lo"),
			groups,
		},
	};
}
