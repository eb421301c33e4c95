/** Who tells the clients where an address of `vmac_directed` is. Pure. */
import type { FarmView } from "../../engine/farm/group.ts";
import type { BalancingGroup } from "../../module/configuration.ts";

/** The first member, in the order of cluster.xml, that answers clients at all; null: nobody does. */
export function answeredBy(view: FarmView): string | null {
	const open = new Set(view.groups.flatMap(({ owners }) => owners));
	return view.members.find((name) => open.has(name)) ?? null;
}

/** A rule for arp: each node answers the questions of its own clients, so each has the address. */
export function sharesQuestions(groups: readonly BalancingGroup[], addr: string): boolean {
	return groups.some(({ rules }) =>
		rules.some(({ proto, virtualAddr }) => proto === "arp" && (virtualAddr === null || virtualAddr === addr)),
	);
}
