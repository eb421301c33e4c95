/** What the nodes of a farm say in their pulses. Nodes are numbers: places in the order of cluster.xml. */
import { bitsOf, hasBit, isBits } from "./bits.ts";
import type { FarmGroup } from "./group.ts";

/** Views are numbered so that each leader has numbers of its own, see `viewId`; so this is the largest farm. */
export const maxFarmNodes = 64;
/** Groups of a farm that its pulses can speak of. */
export const maxFarmGroups = 64;

/** What one node says of itself. Others pass it on, so that a node counts as long as anyone hears it. */
export interface Entry {
	node: number;
	/** Grows with every start of the node: what an earlier life promised binds nobody. */
	life: number;
	/** Grows with every pulse of a life. */
	beat: number;
	/** Nodes that it hears. */
	seen: string;
	/** Groups whose traffic it is ready to take. */
	open: string;
	/** It was started again with what its filter did before, and cannot change that yet. */
	resumed: boolean;
	/** It goes, and accepts nothing any more. */
	leaving: boolean;
	/** Whom it follows: it takes no view of anybody else, nor of an earlier life of this one. */
	leader: number;
	leaderLife: number;
	/** The newest view that it has taken, and has released everything for; 0: none. */
	acked: number;
}

/** A view as its leader proposes it. */
export interface Proposal {
	id: number;
	/** Members and their lives, in order; the leader is one of them. */
	members: readonly (readonly [node: number, life: number])[];
	/** For each group the members that take part. */
	open: readonly string[];
	/** Members that may have to release something; the others wait for them before they take anything new. */
	wait: string;
}

export interface FarmPulse {
	/** Digest of what all must have alike: nodes, groups, powers. */
	basis: string;
	/** The sender answers clients. */
	serving: boolean;
	/** The sender's own first. */
	entries: readonly Entry[];
	/** The view that the sender has taken. */
	view: Proposal | null;
}

export function viewId(round: number, leader: number): number {
	return round * maxFarmNodes + leader;
}

export function roundOf(id: number): number {
	return Math.floor(id / maxFarmNodes);
}

export function leaderOf(proposal: Proposal): number {
	return proposal.id % maxFarmNodes;
}

/** Life of a member in a view; undefined: it is none. */
export function lifeIn({ members }: Proposal, node: number): number | undefined {
	return members.find(([member]) => member === node)?.[1];
}

export function isIn(view: Proposal, node: number): boolean {
	return lifeIn(view, node) !== undefined;
}

/** Does any other member take part in it? */
export function servesBeside({ members, open }: Proposal, node: number): boolean {
	return members.some(([member]) => member !== node && open.some((bits) => hasBit(bits, member)));
}

/** Do they say the same, but for the count of pulses? */
export function saysSame(a: Entry, b: Entry | null): boolean {
	if (b === null || a.life !== b.life || a.seen !== b.seen || a.open !== b.open || a.acked !== b.acked) return false;
	const same = a.leader === b.leader && a.leaderLife === b.leaderLife;
	return same && a.resumed === b.resumed && a.leaving === b.leaving;
}

/** What all nodes must agree on before they may share anything, in a few characters. */
export function basisOf(nodes: readonly string[], groups: readonly FarmGroup[]): string {
	const text = JSON.stringify([
		nodes,
		groups.map(({ name, powers }) => [name, nodes.map((node) => powers[node] ?? 1)]),
	]);
	let [one, two] = [0x811c9dc5, 0x9e3779b9];
	for (let at = 0; at < text.length; at++) {
		one = Math.imul(one ^ text.charCodeAt(at), 0x01000193);
		two = Math.imul(two ^ text.charCodeAt(at), 0x85ebca6b) ^ (two >>> 15);
	}
	return [one, two].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The sixth is 1 for one that was resumed, 2 for one that leaves, 3 for both. */
type EntryWire = [number, number, number, string, string, number, number, number, number];
type ProposalWire = [id: number, members: string, lives: number[], open: string[], wait: string];
/** A pulse as it travels. */
export interface FarmPulseWire {
	b: string;
	s: 0 | 1;
	k: EntryWire[];
	v: ProposalWire | null;
}

/** A pulse within so many bytes of JSON: with the own entry and the view, and as many others from `from` on as fit. */
export function wireOf(pulse: FarmPulse, maxBytes: number, from: number): FarmPulseWire {
	const [own, ...others] = pulse.entries;
	const wire: FarmPulseWire = {
		b: pulse.basis,
		s: pulse.serving ? 1 : 0,
		k: [],
		v: pulse.view && proposalWire(pulse.view),
	};
	if (own !== undefined) wire.k.push(entryWire(own));
	let left = maxBytes - JSON.stringify(wire).length;
	for (let n = 0; n < others.length; n++) {
		const entry = entryWire(others[(from + n) % others.length] as Entry);
		left -= JSON.stringify(entry).length + 1;
		if (left < 0) break;
		wire.k.push(entry);
	}
	return wire;
}

function entryWire(entry: Entry): EntryWire {
	const { node, life, beat, seen, open, resumed, leaving, leader, leaderLife, acked } = entry;
	return [node, life, beat, seen, open, (resumed ? 1 : 0) + (leaving ? 2 : 0), leader, leaderLife, acked];
}

function proposalWire({ id, members, open, wait }: Proposal): ProposalWire {
	const set: boolean[] = [];
	for (const [node] of members) set[node] = true;
	return [id, bitsOf(Array.from(set, (on) => on === true)), members.map(([, life]) => life), [...open], wait];
}

/** The pulse that came in; null if no node says such a thing. */
export function readPulse(value: unknown): FarmPulse | null {
	if (typeof value !== "object" || value === null) return null;
	const { b, s, k, v } = value as Record<string, unknown>;
	if (typeof b !== "string" || b.length > 16 || (s !== 0 && s !== 1)) return null;
	if (!Array.isArray(k) || k.length === 0 || k.length > maxFarmNodes) return null;
	const entries = k.map(readEntry);
	const view = v === null ? null : readProposal(v);
	if (entries.includes(null) || view === undefined) return null;
	return { basis: b, serving: s === 1, entries: entries as Entry[], view };
}

function readEntry(value: unknown): Entry | null {
	if (!Array.isArray(value) || value.length !== 9) return null;
	const [node, life, beat, seen, open, state, leader, leaderLife, acked] = value;
	if (![life, beat, state, leaderLife, acked].every(isCount) || !isNode(node) || !isNode(leader)) return null;
	if (!isBits(seen, maxFarmNodes) || !isBits(open, maxFarmGroups)) return null;
	const [resumed, leaving] = [state % 2 === 1, state >= 2];
	return { node, life, beat, seen, open, resumed, leaving, leader, leaderLife, acked };
}

function readProposal(value: unknown): Proposal | undefined {
	if (!Array.isArray(value) || value.length !== 5) return undefined;
	const [id, members, lives, open, wait] = value;
	if (!isCount(id) || !isBits(members, maxFarmNodes) || !isBits(wait, maxFarmNodes)) return undefined;
	if (!Array.isArray(lives) || !lives.every(isCount) || !Array.isArray(open) || open.length > maxFarmGroups)
		return undefined;
	if (!open.every((bits) => isBits(bits, maxFarmNodes))) return undefined;
	const nodes = Array.from({ length: maxFarmNodes }, (_, node) => node).filter((node) => hasBit(members, node));
	const leader = id % maxFarmNodes;
	if (nodes.length !== lives.length || !nodes.includes(leader)) return undefined;
	return { id, members: nodes.map((node, n) => [node, lives[n] as number] as const), open, wait };
}

function isCount(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isNode(value: unknown): value is number {
	return isCount(value) && value < maxFarmNodes;
}
