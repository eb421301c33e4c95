/** Where connections may be, by all views since this node takes part. Pure. */
import type { FarmView } from "../../engine/farm/group.ts";
import { buckets } from "../../engine/farm/group.ts";
import type { BalancingGroup } from "../../module/configuration.ts";
import type { TrackedClient } from "../addresses.ts";
import { bucketsWhere, type GroupShares } from "../filter/plan.ts";
import { bucketOf } from "./hash.ts";

/** Of one bucket. */
interface Memory {
	/** Members that have owned it. */
	holders: ReadonlySet<string>;
	/** Who had it last, and who of those that had it last is gone. */
	last: string | null;
	gone: string | null;
}

export interface Remembered {
	/** Of the last view. */
	version: number;
	members: readonly string[];
	groups: ReadonlyMap<string, readonly Memory[]>;
}

export const nothingYet: Remembered = { version: -1, members: [], groups: new Map() };

/**
 * What is known after this view. A server that leaves in order has given its buckets away before; one that is gone while
 * it still had them is lost, with all their connections. One that appears and serves already may have connections of
 * every client: from a part of the network that was cut off, or from before this node itself came.
 */
export function remember(before: Remembered, view: FarmView): Remembered {
	const here = new Set(view.members);
	const left = before.members.filter((name) => !here.has(name));
	const came = view.serving.filter((name) => !before.members.includes(name));
	const groups = view.groups.map(({ name, owners }) => {
		const old = before.groups.get(name);
		return [
			name,
			Array.from({ length: buckets }, (_, at) => after(old?.[at], owners[at] ?? null, { left, came, here })),
		] as const;
	});
	return { version: view.version, members: view.members, groups: new Map(groups) };
}

interface Change {
	left: readonly string[];
	came: readonly string[];
	here: ReadonlySet<string>;
}

function after(old: Memory | undefined, owner: string | null, { left, came, here }: Change): Memory {
	const lost = old?.last != null && left.includes(old.last) ? old.last : (old?.gone ?? null);
	const stayed = [...(old?.holders ?? [])].filter((name) => here.has(name));
	return {
		holders: new Set([...stayed, ...came, ...(owner === null ? [] : [owner])]),
		last: owner ?? old?.last ?? null,
		gone: lost !== null && here.has(lost) ? null : lost,
	};
}

/** This node's kernel has connections of these buckets only, beside its own ones in this view. */
export function forget(memory: Remembered, node: string, view: FarmView, kept: Kept): Remembered {
	const groups = view.groups.map(({ name, owners }) => {
		const all = memory.groups.get(name) ?? [];
		const there = kept.get(name);
		const left = all.map((one, bucket) =>
			owners[bucket] === node || there?.has(bucket) === true ? one : without(one, node),
		);
		return [name, left] as const;
	});
	return { ...memory, groups: new Map(groups) };
}

function without(one: Memory, node: string): Memory {
	return { ...one, holders: new Set([...one.holders].filter((holder) => holder !== node)) };
}

/** May this node have connections of buckets that are not its own? */
export function holdsMore(memory: Remembered, node: string, view: FarmView): boolean {
	return view.groups.some(({ name, owners }) =>
		(memory.groups.get(name) ?? []).some(({ holders }, bucket) => owners[bucket] !== node && holders.has(node)),
	);
}

/** By group: buckets of which the kernel has connections. A client may fall under any rule of TCP of a group. */
export type Kept = ReadonlyMap<string, ReadonlySet<number>>;

export function keptBuckets(groups: readonly BalancingGroup[], clients: readonly TrackedClient[]): Kept {
	return new Map(
		groups.map(({ name, rules }) => {
			const filters = new Set(rules.filter(({ proto }) => proto === "tcp").map(({ filter }) => filter));
			const found = clients.flatMap(({ addr, port }) => [...filters].map((filter) => bucketOf(filter, addr, port)));
			return [name, new Set(found.filter((bucket) => bucket !== null))];
		}),
	);
}

/** For the filter of `node`, in the order of `names`. */
export function sharesOf(memory: Remembered, view: FarmView, names: readonly string[], node: string): GroupShares[] {
	return names.map((name) => {
		const owners = view.groups.find((group) => group.name === name)?.owners ?? [];
		const all = memory.groups.get(name) ?? [];
		const lost = bucketsWhere(all, ({ holders, gone }) => gone !== null && holders.size === 1 && holders.has(node));
		return {
			owners,
			holders: all.map(({ holders }) => holders),
			lost: lost.filter((bucket) => owners[bucket] === node),
		};
	});
}
