/** Configuration, interfaces and who answers whom, as the text of one batch of nft. Pure. */
import type { SetContent } from "../addresses.ts";
import { arpTable } from "./arp.ts";
import { inetContents, inetTable } from "./inet.ts";
import { netdevContents, netdevTable } from "./netdev.ts";
import type { FilterPlan, Shares } from "./plan.ts";
import { batchOf, fillingOf, type Table } from "./text.ts";

/** The filter before anybody is answered; replaces what was there under its name. */
export function closedFilter(plan: FilterPlan): string {
	return batchOf(tablesOf(plan, new Map()), true);
}

/**
 * The filter with these shares. Connections and the kernel's other tables are not touched; what somebody has removed of
 * ours is there again. `fresh`: and what somebody has added is not.
 */
export function openFilter(plan: FilterPlan, shares: Shares, fresh = false): string {
	return `${batchOf(tablesOf(plan, shares.macs), fresh)}${fillingOf(sharesAsSets(plan, shares))}`;
}

/** What changes with the shares alone, once the filter knows the MAC addresses. With it the lease begins anew. */
export function sharesAsSets(plan: FilterPlan, shares: Shares): SetContent[] {
	return [...inetContents(plan, shares), ...netdevContents(plan, shares)];
}

function tablesOf(plan: FilterPlan, macs: Shares["macs"]): Table[] {
	return [inetTable(plan), arpTable(plan), netdevTable(plan, macs)];
}
