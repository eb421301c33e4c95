/** What must hold in every run (the invariants at the end of replication.md), checked while it happens. */
import type { NodeRecords, ReplicationOrder } from "../../core/engine/replication.ts";
import { keyCount, type Snapshot } from "./disk.ts";
import { unmarkedDifference } from "./instant.ts";
import type { Replica } from "./replica.ts";
import type { Operation, Target } from "./target.ts";

/** An acknowledged change that no later acknowledged change has built upon. */
interface Head {
	value: number;
	inSession: boolean;
	/** 0 or 1: the node that acknowledged it. */
	by: number;
	/** Nodes that lost what they held in memory since. */
	hits: Set<number>;
	durable: boolean;
}

export interface Violation {
	invariant: string;
	text: string;
	atMs: number;
}

export class Oracle {
	readonly violations: Violation[] = [];
	/** What the lease witness promises holds: it cannot where a disk forgot what it had given up. */
	lease: boolean;
	/** Invariant 5 is looked at after everything that happens. */
	looksAlways = true;
	/** Without a lease witness, and cut off from each other, both may go on: as documented. */
	splitPossible = false;
	now: () => number = () => 0;
	namedAlone: (node: string, term: number) => boolean = () => false;
	#parents: number[] = [0];
	#heads: Head[][] = Array.from({ length: keyCount }, () => []);
	#received = new Map<number, number>();
	#highest = new Map<string, number>();
	#aloneTerms = new Map<number, string>();
	#replicas: Replica[] = [];
	/** Per node: which person's declaration, counted from 1, its data descends from; 0: none. */
	#declared: [number, number] = [0, 0];
	#declarations = 0;
	acknowledgedCount = 0;

	constructor(lease: boolean) {
		this.lease = lease;
	}

	watch(...replicas: Replica[]): undefined {
		this.#replicas = replicas;
	}

	violation(invariant: string, text: string): undefined {
		this.violations.push({ invariant, text, atMs: this.now() });
	}

	/** After everything that happens. */
	instant(): undefined {
		const [a, b] = this.#replicas;
		if (!this.looksAlways || a === undefined || b === undefined || this.violations.length > 0) return;
		const key = unmarkedDifference(a, b);
		if (key === null) return;
		const shown = [a, b].map(({ host, disk }) => `${host.name} ${disk.memory[key]} (on disk ${disk.stable[key]})`);
		this.violation("5", `file ${key} may differ, and no mark says so: ${shown.join(", ")}`);
	}

	nextValue(parent: number): number {
		return this.#parents.push(parent) - 1;
	}

	/** `value` is `head`, or was written over it. */
	#has(value: number, head: number): boolean {
		let at = value;
		while (at > head) at = this.#parents[at] as number;
		return at === head;
	}

	receives(target: Target, operation: Operation): undefined {
		if (target.promotable && operation.seq !== target.received + 1) {
			this.violation("4", `operation ${operation.seq} of term ${target.term} came after ${target.received}`);
		}
		this.#received.set(target.term, operation.seq);
	}

	/**
	 * A change was acknowledged. `receipt`: the target had to have it. `complete`: two keepers were promised; until §5.8
	 * step 5 the source is ALONE, and what it acknowledges is as safe as on a local disk.
	 */
	acknowledged(
		replica: Replica,
		op: Operation,
		how: { receipt: boolean; complete: boolean; none: boolean },
	): undefined {
		const inSession = how.complete;
		this.acknowledgedCount++;
		const { term } = replica.records;
		if (how.receipt && op.seq > 0 && op.seq > (this.#received.get(term) ?? 0)) {
			this.violation("4", `${op.value} was acknowledged before the secondary had it`);
		}
		const durable = op.durable || how.none;
		if (durable && !this.#has(replica.disk.stable[op.key] as number, op.value)) {
			this.violation("3", `${op.value} was acknowledged as synced, but is not on the disk of ${replica.host.name}`);
		}
		// A receipt that was on its way while this machine was stopped is no harm: the other has the change.
		const there = inSession && this.#has(replica.peer.disk.memory[op.key] as number, op.value);
		if (this.#acksAlone(replica.peer) && this.lease && !there) {
			this.violation("1", `${replica.host.name} acknowledges a change while ${replica.peer.host.name} serves alone`);
		}
		const heads = this.#heads[op.key] as Head[];
		const kept = heads.filter((head) => !this.#has(op.value, head.value) || (head.durable && !durable));
		if (!heads.some((head) => head.value > op.value && this.#has(head.value, op.value))) {
			// The receipt may have been on its way when the other's process died: then that copy is gone already.
			const { target } = replica.peer;
			const held = target !== null && !target.spoilt && target.term === term && target.received >= op.seq;
			const hits = new Set(inSession && !held ? [replica.peer.index] : []);
			kept.push({ value: op.value, inSession, by: replica.index, hits, durable });
		}
		this.#heads[op.key] = kept;
	}

	#acksAlone(replica: Replica): boolean {
		return replica.serving && !replica.failed && replica.records.alone !== null && replica.source?.complete !== true;
	}

	/** A node lost what it held in memory: what rested on it alone may be gone. */
	hit(node: number): undefined {
		for (const [key, heads] of this.#heads.entries()) {
			for (const head of heads) head.hits.add(node);
			this.#heads[key] = heads.filter((head) => {
				if (head.durable) return true;
				return head.inSession ? head.hits.size < 2 : !head.hits.has(head.by);
			});
		}
		this.#checkDurable();
	}

	/**
	 * What only this disk had is given up with it; whoever serves it afterwards may not know what the other one has. Its
	 * seal may be gone, and terms that it used: no witness can make up for that.
	 */
	rolledBack(replica: Replica, old: Snapshot, declared: number): undefined {
		this.splitPossible = true;
		this.lease = false;
		this.#declared[replica.index] = declared;
		this.#highest.set(replica.host.name, old.records.term);
		for (const [key, heads] of this.#heads.entries()) {
			const { memory, stable } = replica.peer.disk;
			this.#heads[key] = heads.filter((head) => {
				head.hits.add(replica.index);
				head.durable &&= this.#has(stable[key] as number, head.value);
				return this.#has(memory[key] as number, head.value);
			});
		}
	}

	declaredBy(index: 0 | 1): number {
		return this.#declared[index];
	}

	#checkDurable(): undefined {
		for (const [key, heads] of this.#heads.entries()) {
			for (const head of heads) {
				const alive = this.#replicas.some(({ disk }) => this.#has(disk.stable[key] as number, head.value));
				if (head.durable && !alive && !this.#kept(head.value))
					this.violation("3", `${head.value} was synced and is gone`);
			}
		}
	}

	#kept(value: number): boolean {
		return this.#replicas.some(({ disk }) => disk.quarantine.some((old) => this.#has(old, value)));
	}

	/** Two copies in memory became one keeper: what it has is on its disk now (§5.5 step 3). */
	goesAlone(replica: Replica, term: number | null): undefined {
		if (term !== null) this.#term(replica, term);
		for (const [key, heads] of this.#heads.entries()) {
			for (const head of heads) if (this.#has(replica.disk.memory[key] as number, head.value)) head.durable = true;
		}
	}

	/** A node becomes writable. */
	serves(replica: Replica): undefined {
		const { name } = replica.host;
		if (this.lease && this.#acksAlone(replica) && this.#acksAlone(replica.peer)) {
			this.violation("1", `${name} and ${replica.peer.host.name} both acknowledge changes alone`);
		}
		if (this.lease && this.#acksAlone(replica)) {
			const { term } = replica.records;
			const other = this.#aloneTerms.get(term);
			if (other !== undefined && other !== name) this.violation("8", `term ${term} is used by both nodes`);
			this.#aloneTerms.set(term, name);
		}
		this.#checkHeads(replica, "2");
	}

	#checkHeads(replica: Replica, invariant: string): undefined {
		if (this.splitPossible) return;
		for (const [key, heads] of this.#heads.entries()) {
			for (const head of heads) {
				const value = replica.disk.memory[key] as number;
				if (this.#has(value, head.value)) continue;
				this.violation(
					invariant,
					`${replica.host.name} serves ${value} of file ${key}, and ${head.value} was acknowledged`,
				);
				return;
			}
		}
	}

	/** Invariant 7 and 8, before a node serves without a session. */
	startsAlone(replica: Replica, term: number, force: boolean): undefined {
		this.#term(replica, term);
		if (force) {
			if (!hasLine(replica.records)) this.#declared[replica.index] = ++this.#declarations;
			// A person's order: what only the other node has is given up on purpose.
			for (const [key, heads] of this.#heads.entries()) {
				const value = replica.disk.memory[key] as number;
				this.#heads[key] = heads.filter((head) => this.#has(value, head.value));
			}
			return;
		}
		const { records } = replica;
		if (records.copying) this.violation("7", `${replica.host.name} serves a half copied tree`);
		const open = records.crashed && records.seal === "open" && records.alone === null;
		// With a lease witness: the record that names only this node, under a higher term, was taken before the crash.
		if (open && !replica.none && !this.namedAlone(replica.host.name, records.term))
			this.violation("7", `${replica.host.name} crashed in a session and starts by itself`);
	}

	/** The target of a resync takes over the source's line of data. */
	takesOver(replica: Replica): undefined {
		this.#declared[replica.index] = this.#declared[replica.peer.index];
	}

	/** Both nodes' data was declared valid, and not by the same word. */
	areStrangers(): boolean {
		const [a, b] = this.#declared;
		return a !== 0 && b !== 0 && a !== b;
	}

	#term(replica: Replica, term: number): undefined {
		const before = this.#highest.get(replica.host.name) ?? 0;
		if (term <= before) this.violation("8", `${replica.host.name} uses term ${term} after ${before}`);
		this.#highest.set(replica.host.name, term);
	}

	/** Two nodes shake hands: before the target's records change. */
	meets(source: Replica, target: Replica, order: ReplicationOrder & { order: "session" }): undefined {
		if (this.lease && order.outcome === "DIVERGED")
			this.violation("1", "two diverged lines of data under a lease witness");
		if (order.outcome === "NEW" || order.everything || !hasLine(source.records) || !hasLine(target.records)) return;
		for (let key = 0; key < keyCount; key++) {
			if (source.disk.memory[key] === target.disk.memory[key]) continue;
			if ([source, target].some(({ disk }) => disk.marks.has(key) || disk.byHand.has(key))) continue;
			this.violation("5", `file ${key} differs and neither node has a mark for it (${order.outcome})`);
			return;
		}
	}

	overwrites(replica: Replica, key: number, old: number, value: number, quarantine: boolean): undefined {
		const heads = this.#heads[key] as Head[];
		const lost = heads.filter((head) => this.#has(old, head.value) && !this.#has(value, head.value));
		if (lost.length === 0) return;
		this.#heads[key] = heads.filter((head) => !lost.includes(head));
		if (quarantine) return;
		const { name } = replica.host;
		this.violation(
			"2",
			`${lost[0]?.value} was acknowledged, and the resync of ${name} throws it away (${old} → ${value})`,
		);
	}

	/** Invariant 6, by full comparison with what the source had when it said that all is sent. */
	resynced(replica: Replica, cells: number[], upTo: { term: number; seq: number }): undefined {
		this.#received.set(upTo.term, Math.max(upTo.seq, this.#received.get(upTo.term) ?? 0));
		for (const [key, value] of cells.entries()) {
			if (replica.disk.memory[key] === value) continue;
			this.violation("6", `file ${key} differs after the resync of ${replica.host.name}`);
			return;
		}
	}

	/** Everything is quiet: the node that serves has all that was acknowledged. */
	settled(primary: Replica): undefined {
		this.#checkHeads(primary, "2");
		for (let key = 0; key < keyCount; key++) {
			if (primary.disk.memory[key] !== primary.peer.disk.memory[key])
				this.violation("6", `file ${key} differs at the end`);
		}
	}
}

const hasLine = (records: NodeRecords): boolean => records.epoch !== null;
