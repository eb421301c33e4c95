/** Configuration, interfaces and who answers whom, as the text of one batch of nft. Pure. */
import { arpTable } from "./arp.ts";
import { inetTable } from "./inet.ts";
import { netdevTable } from "./netdev.ts";
import type { FilterPlan, Shares } from "./plan.ts";
import { batchOf } from "./text.ts";

export const nobody: Shares = { groups: [], answers: [], macs: new Map() };

/** The filter before anybody is answered; replaces what was there under its name. */
export function closedFilter(plan: FilterPlan): string {
	return batchOf(tablesOf(plan, nobody), true);
}

/**
 * The filter with these shares, and the lease begins anew. Connections and the kernel's other tables are not touched;
 * what somebody has removed of ours is there again.
 */
export function openFilter(plan: FilterPlan, shares: Shares): string {
	const tables = tablesOf(plan, shares);
	const leases = tables
		.filter(({ sets }) => sets.length > 0)
		.map(({ family, name }) => `flush set ${family} ${name} lease\nadd element ${family} ${name} lease { 0 }\n`);
	return [batchOf(tables, false), ...leases].join("");
}

function tablesOf(plan: FilterPlan, shares: Shares) {
	return [inetTable(plan, shares), arpTable(plan), netdevTable(plan, shares)];
}
