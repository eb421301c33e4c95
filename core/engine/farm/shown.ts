/** A view with names instead of numbers, as the node's filter and its people know it. */
import { buckets, type FarmModule, type FarmView } from "./group.ts";

/** What is to be done after an event. */
export interface Effects {
	/** Say now, to all nodes on all lans, what the node says. */
	send: boolean;
	/** To be given to the filter, and to be confirmed. */
	view: FarmView | null;
}

export function shownView(
	{ nodes, groups }: FarmModule,
	version: number,
	is: {
		members: readonly number[];
		settled: boolean;
		serves(node: number): boolean;
		owner(group: number, at: number): number | null;
	},
): FarmView {
	const nameOf = (node: number | null): string | null => (node === null ? null : (nodes[node] ?? null));
	return {
		version,
		members: is.members.flatMap((node) => nameOf(node) ?? []),
		serving: is.members.filter((node) => is.serves(node)).flatMap((node) => nameOf(node) ?? []),
		groups: groups.map(({ name }, group) => ({
			name,
			owners: Array.from({ length: buckets }, (_, at) => nameOf(is.owner(group, at))),
		})),
		settled: is.settled,
	};
}
