/**
 * Which node owns which bucket. Every bucket ranks all nodes that the configuration names; it belongs to the first of
 * them that is open. So whoever comes or goes moves only its own buckets, and every node finds the same answer by
 * itself. The rankings are drawn by weight, evenly spread over the buckets: two nodes of equal power get 128 each.
 */
import { buckets, type FarmGroup } from "./group.ts";

/** A node gets nothing while one is open whose power is so many times its own (powers 1, 64, 4096…). */
const chain = 64;

interface Weighted {
	index: number;
	name: string;
	power: number;
}

/** For each bucket the indices into the configured nodes, the preferred one first; without those of power 0. */
export type Rankings = readonly (readonly number[])[];

/** How the buckets of a group rank the nodes, given in the order of cluster.xml. */
export function rankings(nodes: readonly string[], group: FarmGroup): Rankings {
	const levels = levelsOf(nodes.map((name, index) => ({ index, name, power: group.powers[name] ?? 1 })));
	return Array.from({ length: buckets }, (_, bucket) => levels.flatMap((level) => drawn(level, bucket)));
}

/** Index of the owner of each bucket; null: no node that takes part is open. */
export function ownersOf(ranked: Rankings, isOpen: (node: number) => boolean): (number | null)[] {
	return ranked.map((order) => order.find(isOpen) ?? null);
}

/**
 * Nodes that share, in levels: all of one level stand before all of the next. Fixed by the configuration, not by who is
 * there: otherwise the end of one node could move buckets between two others.
 */
function levelsOf(nodes: readonly Weighted[]): Weighted[][] {
	const levels: Weighted[][] = [];
	const sorted = nodes.filter(({ power }) => power > 0).sort((a, b) => b.power - a.power || a.index - b.index);
	for (const node of sorted) {
		const level = levels.at(-1);
		const top = level?.[0]?.power ?? 0;
		if (level === undefined || node.power * chain <= top) levels.push([node]);
		else level.push(node);
	}
	return levels;
}

/**
 * The ranking that a bucket draws among the nodes of a level: again and again one of those left, by weight. Buckets
 * stand at even distances on the line of all rankings, so the shares are right to one bucket, and so is what the others
 * get when one node goes. Only exact arithmetic: the result must be the same on every machine.
 */
function drawn(level: readonly Weighted[], bucket: number): number[] {
	let left = [...level];
	let at = (bucket + 0.5) / buckets;
	let prefix = "";
	const order: number[] = [];
	while (left.length > 0) {
		const among = left.map((node) => ({ node, key: hash(`${prefix}/${node.name}`) }));
		among.sort((a, b) => a.key - b.key || a.node.index - b.node.index);
		const total = left.reduce((sum, { power }) => sum + power, 0);
		let from = 0;
		let chosen = among[0] as (typeof among)[number];
		for (const candidate of among) {
			chosen = candidate;
			if (at < (from + candidate.node.power) / total) break;
			from += candidate.node.power;
		}
		at = Math.min(Math.max((at * total - from) / chosen.node.power, 0), 1 - Number.EPSILON);
		order.push(chosen.node.index);
		prefix += `/${chosen.node.name}`;
		left = left.filter((node) => node !== chosen.node);
	}
	return order;
}

/** 32 bits of a text: FNV-1a, mixed once more so that short names differ in every bit. */
function hash(text: string): number {
	let value = 0x811c9dc5;
	for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
	value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
	value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
	return (value ^ (value >>> 16)) >>> 0;
}
