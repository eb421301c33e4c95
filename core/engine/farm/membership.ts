/**
 * The group of a farm, as one node sees it. Every node tells all others whom it hears; what it knows of the others it
 * passes on. Nodes that hear each other, if need be through others, are one group; the first of them in cluster.xml
 * leads: it proposes views, the others take them. Who takes a view first releases what it does not have in it, and says
 * so once its filter obeys; what is new to it, it takes when all have said so that had something to release. So two
 * members never answer the same client, and a bucket that does not move is answered all the time. Pure: time comes in
 * as ticks, and a tick counts at most twice its length, so that a node does not take its own absence for the silence
 * of the others.
 */
import assert from "node:assert/strict";
import { bitsOf, hasBit } from "./bits.ts";
import { Cadence, urgentGapMs } from "./cadence.ts";
import { type Foreigner, Foreigners } from "./foreigners.ts";
import { type FarmModule, type FarmView, type FarmWish, followerLossMs, leaderLossMs, leaseMs } from "./group.ts";
import { allOf, Filter, type Held, heldFrom, holdsAny, keptOf, nothing, within } from "./held.ts";
import { Others } from "./others.ts";
import { Patience } from "./patience.ts";
import { contentOf, KnownViews, type Owners, Shares, sameContent, waitFor } from "./proposal.ts";
import {
	basisOf,
	type Entry,
	type FarmPulse,
	isIn,
	leaderOf,
	lifeIn,
	type Proposal,
	roundOf,
	saysSame,
	servesBeside,
	viewId,
} from "./pulse.ts";
import { rankings } from "./shares.ts";
import { type Effects, shownView } from "./shown.ts";

/** Changes within this time make one view. */
const coalesceMs = 20;
/** Rounds that one life can propose in the tenth of a second in which it began. */
const roundsPerLife = 8;
const versionsPerLife = 1_000_000;

export class Membership {
	/** How often `tick` wants to be called. */
	readonly tickMs: number;
	readonly #module: FarmModule;
	readonly #self: number;
	readonly #basis: string;
	readonly #shares: Shares;
	readonly #known = new KnownViews();
	readonly #others: Others;
	readonly #foreigners = new Foreigners();
	readonly #filter: Filter;
	readonly #cadence: Cadence;
	readonly #patience = new Patience();
	#life: number;
	#beat = 0;
	#version: number;
	#wish: string;
	#resumed: boolean;
	#leader: number;
	/** The view that was taken over last. */
	#view: Proposal | null = null;
	#owners: Owners;
	/** Owners when everything was where it belonged. */
	#settledOwners: Owners | null = null;
	/** Everything that the view gives to this node is its own by now. */
	#taken = false;
	#acked = 0;
	#held: Held;
	/** The newest view of each leader: what one proposes that nobody follows must not hide another's. */
	readonly #offered = new Map<number, Proposal>();
	#round: number;
	#said: Entry | null = null;
	#saidView: number | undefined;
	#shown: string;
	#given: FarmView | null = null;
	#deaf = false;
	#mute = false;
	#leaving = false;
	#aloneMs = 0;
	#coalesceMs = 0;

	/**
	 * `life`: greater than in any earlier run of this node. `held`: what the filter may accept from before, by group, as
	 * bits of the own buckets; empty at a real start.
	 */
	constructor(module: FarmModule, life: number, wish: FarmWish, held: Readonly<Record<string, string>>) {
		const { nodes, node, groups, pulseMs } = module;
		this.#module = module;
		this.#cadence = new Cadence(pulseMs);
		this.tickMs = Math.max(5, Math.min(urgentGapMs, pulseMs / 4));
		this.#self = nodes.indexOf(node);
		assert(this.#self >= 0, "a node of a farm is one of its nodes");
		this.#basis = basisOf(nodes, groups);
		this.#shares = new Shares(groups.map((group) => rankings(nodes, group)));
		this.#others = new Others(nodes.length, this.#self, this.tickMs);
		const before = heldFrom(groups, held);
		this.#filter = new Filter(before);
		this.#resumed = holdsAny(before);
		// The others may have taken it since: what the filter has is to be released, or taken like anything else.
		this.#held = nothing(before);
		this.#owners = groups.map(() => []);
		this.#life = life;
		this.#version = life * versionsPerLife;
		this.#round = life * roundsPerLife;
		this.#leader = this.#self;
		this.#wish = this.#bitsOf(wish);
		this.#shown = this.#showing();
	}

	/** A pulse came in, not a foreign one, of a node that proved who it is. A pulse last left here `unsentMs` ago. */
	hear(pulse: FarmPulse, unsentMs: number): Effects {
		this.#checkLease(unsentMs);
		for (const [n, entry] of pulse.entries.entries()) this.#hearOf(entry, n === 0);
		const { view } = pulse;
		if (view !== null) {
			this.#round = Math.max(this.#round, roundOf(view.id));
			this.#known.add(view);
			const leader = leaderOf(view);
			if (view.id > (this.#offered.get(leader)?.id ?? 0)) this.#offered.set(leader, view);
		}
		return this.#step();
	}

	/** True if the pulse is of a node with other nodes, groups or powers in its configuration. */
	isForeign(pulse: FarmPulse): boolean {
		return pulse.basis !== this.#basis;
	}

	hearForeign(foreigner: Foreigner, unsentMs: number): Effects {
		this.#checkLease(unsentMs);
		this.#foreigners.hear(foreigner);
		return this.#step();
	}

	/** `elapsedMs` have passed. */
	tick(elapsedMs: number, unsentMs: number): Effects {
		const ms = Math.min(elapsedMs, 2 * this.tickMs);
		this.#others.tick(ms);
		this.#foreigners.tick(ms);
		this.#aloneMs += ms;
		this.#coalesceMs = Math.max(0, this.#coalesceMs - elapsedMs);
		this.#cadence.tick(elapsedMs);
		this.#checkLease(unsentMs);
		const lastWord = this.#checkFilter(ms);
		const effects = this.#step();
		return { ...effects, send: effects.send || lastWord || (this.#cadence.isDue(this.tickMs) && !this.#mute) };
	}

	/** The groups whose traffic this node is ready to take from now on. */
	wish(wish: FarmWish, unsentMs: number): Effects {
		this.#checkLease(unsentMs);
		this.#wish = this.#bitsOf(wish);
		this.#resumed = false;
		return this.#step();
	}

	/** The filter does what the view of this version says. */
	applied(version: number, unsentMs: number): Effects {
		this.#checkLease(unsentMs);
		this.#resumed = false;
		this.#filter.confirm(version);
		if (this.#mute && this.#filter.obeys) this.#mute = false;
		return this.#step();
	}

	/** This node ends. With a filter that accepts nothing it says so; else the others must wait until its lease is over. */
	leave(): Effects {
		this.#leaving = this.#filter.empty;
		return { send: this.#leaving, view: null };
	}

	/** What leaves now would keep the kernel's lease alive, which is to end. */
	get mute(): boolean {
		return this.#mute && !this.#leaving;
	}

	/** What is to be said now. */
	say(): FarmPulse {
		this.#beat++;
		this.#cadence.said();
		const entries = this.#others.entries((node) => this.#lossMs(node));
		return {
			basis: this.#basis,
			serving: !this.#filter.empty,
			entries: [this.#entry(), ...entries],
			view: this.#view,
		};
	}

	/** The view that was given last, for whoever begins to listen; null: none yet. */
	get view(): FarmView | null {
		return this.#given;
	}

	/** What never holds of a sound state. */
	assertInvariants(): void {
		const view = this.#view;
		if (view === null) {
			assert.equal(this.#acked, 0, "nothing is acknowledged without a view");
			return;
		}
		assert.equal(lifeIn(view, this.#self), this.#life, "a view names its node, in this life");
		assert(within(this.#held, this.#owners, this.#self), "only what the view gives is held");
		assert(this.#acked <= view.id, "no view is acknowledged that was not taken");
		assert(this.#acked !== view.id || this.#filter.released(this.#owners, this.#self), "acknowledged is released");
	}

	#bitsOf({ open }: FarmWish): string {
		return bitsOf(this.#module.groups.map(({ name }) => open.includes(name)));
	}

	#lossMs(node: number): number {
		return node === this.#leader ? leaderLossMs(this.#module) : followerLossMs(this.#module);
	}

	#entry(): Entry {
		const leaderLife = this.#leader === this.#self ? this.#life : (this.#others.entry(this.#leader)?.life ?? 0);
		const yielding = this.#foreigners.yields(!this.#filter.empty, followerLossMs(this.#module));
		return {
			node: this.#self,
			life: this.#life,
			beat: this.#beat,
			seen: this.#others.seen((node) => this.#lossMs(node)),
			open: yielding ? "" : this.#wish,
			resumed: this.#resumed,
			leaving: this.#leaving,
			leader: this.#leader,
			leaderLife,
			acked: this.#acked,
		};
	}

	#hearOf(entry: Entry, direct: boolean): void {
		this.#round = Math.max(this.#round, roundOf(entry.acked));
		if (entry.node !== this.#self) {
			if (direct) this.#foreigners.forget(this.#module.nodes[entry.node] ?? "");
			this.#others.hear(entry, direct);
			return;
		}
		// Somebody knows this node from a life that should be over: the clock was put back.
		if (entry.life > this.#life || (entry.life === this.#life && entry.beat > this.#beat)) this.#begin(entry.life + 1);
	}

	/** A new life: this node has nothing. `missed`: nor what was said meanwhile, so each of the others must be heard anew. */
	#begin(life: number, missed = true): void {
		this.#life = life;
		this.#beat = 0;
		this.#view = null;
		this.#offered.clear();
		this.#settledOwners = null;
		this.#taken = false;
		this.#acked = 0;
		this.#held = nothing(this.#held);
		this.#aloneMs = 0;
		this.#patience.renew();
		this.#leader = this.#self;
		if (missed) this.#others.forget();
	}

	/** Without pulses for so long the kernel has stopped accepting, and the others may have taken everything over. */
	#checkLease(unsentMs: number): void {
		const deaf = unsentMs > leaseMs(this.#module);
		if (deaf && !this.#deaf) this.#begin(this.#life + 1);
		if (deaf) this.#aloneMs = 0;
		this.#deaf = deaf;
	}

	/**
	 * A filter that does not obey: this node falls silent and gives all up. True: its last word is due, which says that it
	 * hears the others. They count from it, and go on when its lease is over. What the filter still carries out may begin
	 * the lease once more, so it must not take longer than a fifth of that time. Who serves alone keeps what it has.
	 */
	#checkFilter(ms: number): boolean {
		const view = this.#view;
		const releasing = view !== null && this.#acked !== view.id;
		const gaining = view !== null && this.#filter.lacks(this.#held) && servesBeside(view, this.#self);
		if (!this.#patience.isOver(ms, releasing, gaining, followerLossMs(this.#module))) return false;
		this.#begin(this.#life + 1, false);
		const isNew = !this.#mute;
		this.#mute = true;
		return isNew;
	}

	/** What follows from what is known now. */
	#step(): Effects {
		const met = this.#others.all.filter((node) => this.#others.meets(node, this.#lossMs(node)));
		this.#leader = Math.min(this.#self, ...met);
		if (this.#leader === this.#self) this.#lead(met);
		else if (!this.#mute) this.#follow(met);
		if (this.#view !== null) this.#advance(this.#view);
		const effects = { send: this.#toSay(), view: this.#toShow() };
		if (effects.send || effects.view !== null) this.assertInvariants();
		return effects;
	}

	#follow(met: readonly number[]): void {
		const [offered, view] = [this.#offered.get(this.#leader), this.#view];
		if (offered === undefined || offered.id <= (view?.id ?? 0)) return;
		if (lifeIn(offered, this.#leader) !== this.#others.entry(this.#leader)?.life) return;
		if (lifeIn(offered, this.#self) !== this.#life) return;
		// A leader that goes deaf loses one after the other: who still meets them does not take what they have.
		const serves = (node: number): boolean =>
			view === null ? (this.#others.entry(node)?.acked ?? 0) > 0 : isIn(view, node);
		if (met.some((node) => serves(node) && !isIn(offered, node))) return;
		this.#adopt(offered);
	}

	#lead(met: readonly number[]): void {
		if (this.#deaf || this.#mute || this.#leaving || !this.#mayLead(met)) return;
		const own = this.#entry();
		const entries = [own, ...met.flatMap((node) => this.#others.entry(node) ?? [])];
		const before = this.#view ?? this.#known.newest;
		const content = contentOf(entries, this.#module.groups.length, before);
		const newest = Math.max(...entries.map(({ acked }) => acked));
		const view = this.#view;
		if (view !== null && leaderOf(view) === this.#self && newest <= view.id && sameContent(view, content)) return;
		if (this.#coalesceMs > 0) return;
		this.#coalesceMs = coalesceMs;
		this.#round++;
		const next: Proposal = { ...content, id: viewId(this.#round, this.#self), wait: "" };
		this.#adopt({ ...next, wait: waitFor(entries, this.#shares, this.#known, this.#shares.of(next), own) });
	}

	/** A node that has just begun leads when it has met all that there may be, or was alone for long enough. */
	#mayLead(met: readonly number[]): boolean {
		if (this.#aloneMs >= Math.max(leaderLossMs(this.#module), followerLossMs(this.#module))) return true;
		return this.#others.accountsForAll(met, this.#view ?? this.#known.newest);
	}

	#adopt(view: Proposal): void {
		assert(view.id > (this.#view?.id ?? 0), "views only grow");
		if (this.#taken) this.#settledOwners = this.#owners;
		this.#view = view;
		this.#known.add(view);
		this.#owners = this.#shares.of(view);
		this.#held = keptOf(this.#held, this.#owners, this.#self);
		this.#taken = false;
		this.#cadence.unsettle();
	}

	/** Says that everything is released, and takes what is new, once that is so. */
	#advance(view: Proposal): void {
		if (this.#acked !== view.id && this.#filter.released(this.#owners, this.#self)) this.#acked = view.id;
		if (this.#taken || !this.#hasAcked(view)) return;
		this.#taken = true;
		this.#held = allOf(this.#owners, this.#self);
	}

	/** Have all who had something to release said that they did? */
	#hasAcked(view: Proposal): boolean {
		return view.members.every(([node, life]) => !hasBit(view.wait, node) || this.#hasTaken(node, life, view));
	}

	#hasTaken(node: number, life: number, view: Proposal): boolean {
		if (node === this.#self) return this.#acked === view.id;
		const entry = this.#others.entry(node);
		return entry !== null && entry.life === life && entry.acked === view.id;
	}

	get #settled(): boolean {
		const view = this.#view;
		return view !== null && this.#taken && view.members.every(([node, life]) => this.#hasTaken(node, life, view));
	}

	#ownerNow(group: number, at: number): number | null {
		if (this.#view === null) return null;
		const owner = this.#owners[group]?.[at] ?? null;
		if (owner === this.#self) return this.#held[group]?.[at] === true ? owner : null;
		return this.#taken || this.#settledOwners?.[group]?.[at] === owner ? owner : null;
	}

	#toSay(): boolean {
		const entry = this.#entry();
		const changed = !saysSame(entry, this.#said) || this.#view?.id !== this.#saidView;
		this.#said = entry;
		this.#saidView = this.#view?.id;
		if (this.#settled) this.#cadence.settle();
		if (changed) this.#cadence.renew();
		return changed && !this.#mute;
	}

	#showing(): string {
		return `${this.#life} ${this.#view?.id} ${this.#taken} ${this.#settled}`;
	}

	#toShow(): FarmView | null {
		const showing = this.#showing();
		if (showing === this.#shown) return null;
		this.#shown = showing;
		this.#version++;
		this.#filter.give(this.#version, this.#held);
		this.#given = shownView(this.#module, this.#version, {
			members: this.#view?.members.map(([node]) => node) ?? [this.#self],
			settled: this.#settled,
			serves: (node) => this.#view?.open.some((open) => hasBit(open, node)) === true,
			owner: (group, at) => this.#ownerNow(group, at),
		});
		return this.#given;
	}
}
