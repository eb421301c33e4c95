/** The primary's side: number, mark, apply, send, wait for the receipt; freeze when the link ends (§5.2, §5.5, §5.8). */
import type { ReplicationOrder } from "../../core/engine/replication.ts";
import type { Message } from "./connection.ts";
import { keyCount } from "./disk.ts";
import { Replica } from "./replica.ts";
import { type Operation, Target } from "./target.ts";

type SessionOrder = ReplicationOrder & { order: "session" };

interface Pending extends Operation {
	startedMs: number;
	local: boolean;
	receipt: boolean;
	durableReceipt: boolean;
}

export class Source {
	readonly replica: Replica;
	seq = 0;
	complete = false;
	frozen = false;
	/** §5.8 step 4 on: every operation waits for the target's receipt. */
	#needsReceipt = false;
	#lost = false;
	#pending: Pending[] = [];
	#copying: Set<number> | null = null;
	#connecting: SessionOrder | null = null;
	#lastSeqOfKey = new Map<number, number>();
	#files = 0;
	#draining: (() => undefined) | null = null;

	constructor(replica: Replica) {
		this.replica = replica;
	}

	get unanswered(): number {
		return this.#pending.length;
	}

	/** No session any more; what waits is answered by this node alone, if it may serve. */
	leave(): undefined {
		this.complete = false;
		this.frozen = false;
		this.#lost = false;
		this.#needsReceipt = false;
		this.#copying = null;
		this.#connecting = null;
		this.#answer();
	}

	/** The process is gone: nobody is answered. */
	drop(): undefined {
		this.#pending = [];
		this.#connecting = null;
	}

	failFrozen(): undefined {
		this.#pending = [];
	}

	drain(done: () => undefined): undefined {
		if (this.#pending.length === 0 || this.replica.link === null) {
			this.failFrozen();
			return done();
		}
		this.#draining = done;
		this.replica.after(2000, () => {
			if (this.#draining !== done) return;
			this.#draining = null;
			this.failFrozen();
			done();
		});
	}

	/** A change by the application: `make` says what it writes over the old value. @returns false: not now. */
	write(key: number, make: (old: number) => number, durable: boolean): boolean {
		if (this.#serves && (this.frozen || this.#draining !== null)) return false;
		if (this.#serves) this.#markAndApply(key, make, durable);
		return true;
	}

	get #serves(): boolean {
		const { failed, serving, source } = this.replica;
		return serving && !failed && source === this;
	}

	/** While the mark is written, the module may have been stopped, or acknowledgements frozen. */
	#markAndApply(key: number, make: (old: number) => number, durable: boolean): undefined {
		const { marks, disk } = this.replica;
		marks.cover(key, () => {
			if (!this.#serves) return;
			if (this.frozen || this.#draining !== null) return marks.later(() => this.#markAndApply(key, make, durable));
			this.#apply(key, make(disk.memory[key] as number), durable);
		});
	}

	#apply(key: number, value: number, durable: boolean): undefined {
		const { replica } = this;
		const { world, disk } = replica;
		if (!this.complete && !this.#needsReceipt && disk.records.epoch?.current === disk.records.epoch?.base) {
			disk.mint(world.random);
			replica.fact({ fact: "records", records: replica.records });
		}
		disk.put(key, value);
		const seq = ++this.seq;
		const operation: Operation = { seq, key, value, durable };
		this.#lastSeqOfKey.set(key, seq);
		const pending: Pending = {
			...operation,
			startedMs: world.nowMs,
			local: !durable && !replica.none,
			receipt: false,
			durableReceipt: false,
		};
		this.#pending.push(pending);
		const done = this.#copying !== null && !this.#copying.has(key);
		if (replica.link !== null && (this.#needsReceipt || done)) {
			replica.link.send(replica.index, { is: "operation", operation });
		}
		if (!pending.local) {
			replica.after(replica.diskMs(), () => {
				disk.syncFile(key);
				pending.local = true;
				this.#answer();
			});
		}
		this.#answer();
	}

	#answer(): undefined {
		if (this.frozen || this.replica.failed) return;
		const waits = (p: Pending): boolean =>
			!p.local || (this.#needsReceipt && (!p.receipt || ((p.durable || this.replica.none) && !p.durableReceipt)));
		const ready = this.#pending.filter((p) => !waits(p));
		if (ready.length === 0) return;
		this.#pending = this.#pending.filter(waits);
		for (const pending of ready) {
			this.replica.world.oracle.acknowledged(this.replica, pending, {
				receipt: this.#needsReceipt,
				complete: this.complete,
				none: this.replica.none,
			});
		}
		if (this.#draining !== null && this.#pending.length === 0) {
			const done = this.#draining;
			this.#draining = null;
			done();
		}
	}

	/** Tries until the target was ordered the same session, or this order is replaced. */
	connect(order: SessionOrder): undefined {
		this.#connecting = order;
		const attempt = (): undefined => {
			if (this.#connecting !== order || this.replica.link !== null) return;
			this.#shakeHands(order);
			this.replica.after(300, attempt);
		};
		attempt();
	}

	#shakeHands(order: SessionOrder): undefined {
		const { replica } = this;
		const { world, peer } = replica;
		const fits = peer.session?.term === order.term && !peer.session.source && peer.session.outcome === order.outcome;
		if (!fits || !peer.runs() || !peer.host.powered) return;
		if (!world.passes(replica.lan, replica.index) || !world.passes(replica.lan, peer.index)) return;
		if (peer.target?.over === true && peer.target.term === order.term) return;
		world.oracle.meets(replica, peer, order);
		// Before the target is half copied: an interrupted copy of everything must be found again, by these marks.
		if (world.rules.marks && order.everything) replica.disk.markAll();
		peer.target = new Target(peer, order.term);
		peer.standing = null;
		peer.record({
			term: order.term,
			role: { was: "secondary", sinceTerm: order.term },
			copying: true,
			keeping: order.quarantine,
			alone: null,
			seal: "open",
			crashed: false,
		});
		const link = Replica.connect(replica, peer, order.term);
		replica.link = link;
		peer.link = link;
		peer.fact({ fact: "link", up: true });
		// The target has accepted; whether the source hears of it is another matter.
		replica.after(world.random.between(2, 60), () => {
			if (replica.link !== link) return;
			replica.fact({ fact: "link", up: true });
			const role = { was: "primary", sinceTerm: order.term } as const;
			replica.record({ term: order.term, role, seal: "open", crashed: false });
			replica.fact({ fact: "accepted", term: order.term });
			this.#startCopy(order);
		});
	}

	#startCopy(order: SessionOrder): undefined {
		const { replica } = this;
		const { peer } = replica;
		const marked = new Set([...replica.disk.marks, ...peer.disk.marks]);
		const all = Array.from({ length: keyCount }, (_, key) => key);
		this.#copying = new Set(order.everything ? all : marked);
		this.complete = false;
		this.frozen = false;
		this.#lost = false;
		this.#needsReceipt = false;
		this.#files = 0;
		this.seq = 0;
		for (const pending of this.#pending) pending.seq = 0;
		this.#lastSeqOfKey.clear();
		this.#copyNext(order, replica.link);
	}

	#copyNext(order: SessionOrder, link: unknown): undefined {
		const { replica } = this;
		replica.after(replica.world.random.between(20, 300), () => {
			if (link !== replica.link || replica.link === null || this.#copying === null) return;
			const [key] = this.#copying;
			if (key === undefined) return this.#finishWalked(order, link);
			this.#copying.delete(key);
			this.#files++;
			replica.link.send(replica.index, {
				is: "copy",
				key,
				value: replica.disk.memory[key],
				quarantine: order.quarantine,
			});
			this.#copyNext(order, link);
		});
	}

	/** A walk that still goes on may find a file that was changed by hand. */
	found(key: number): undefined {
		this.#copying?.add(key);
	}

	#finishWalked(order: SessionOrder, link: unknown): undefined {
		const { marks, peer } = this.replica;
		if (marks.walked && peer.marks.walked) this.#finishCopy(link);
		else this.#copyNext(order, link);
	}

	/** §5.8 step 4: the epoch is shared before the target takes it over. */
	#finishCopy(link: unknown): undefined {
		const { replica } = this;
		if (link !== replica.link || replica.link === null) return;
		this.#copying = null;
		this.#needsReceipt = true;
		replica.disk.shareEpoch();
		replica.record({});
		const { own, peer } = replica.records.checkpoint;
		const checkpoint = Math.max(own, peer, replica.peer.records.checkpoint.own) + 1;
		const cells = [...replica.disk.memory];
		replica.link.send(replica.index, { is: "finish", epoch: replica.records.epoch, checkpoint, cells, seq: this.seq });
		this.#finishing = { checkpoint, seq: this.seq };
	}
	#finishing = { checkpoint: 0, seq: 0 };

	received(message: Message): undefined {
		const { replica } = this;
		switch (message.is) {
			case "ack":
				for (const pending of this.#pending) if (pending.seq <= message.seq) pending.receipt = true;
				return this.#answer();
			case "durable":
				for (const pending of this.#pending) if (pending.seq === message.seq) pending.durableReceipt = true;
				return this.#answer();
			case "finished":
				return this.#finished();
			case "checkpointed":
				return this.#checkpointed(message.checkpoint, message.seq);
			default:
				replica.world.oracle.violation("protocol", `unexpected ${message.is}`);
		}
	}

	/** §5.8 step 5. This node's own copy is synced first: only then is nothing left that may differ after a crash. */
	#finished(): undefined {
		const { replica } = this;
		const link = replica.link;
		replica.syncThen(() => {
			if (replica.link !== link || link === null || this.complete) return;
			const { checkpoint, seq } = this.#finishing;
			// The target has received and synced everything up to here.
			for (const pending of this.#pending) if (pending.seq <= seq) pending.receipt = pending.durableReceipt = true;
			this.complete = true;
			replica.record({ alone: null, checkpoint: { own: checkpoint, peer: checkpoint } });
			this.#trim(seq);
			replica.standing = { fact: "synced", term: replica.records.term, files: this.#files, bytes: this.#files };
			replica.fact(replica.standing);
			link.send(replica.index, { is: "promotable", checkpoint, files: this.#files });
			this.#scheduleCheckpoint(link);
			this.#answer();
		});
	}

	#trim(seq: number): undefined {
		this.replica.marks.trim((key) => (this.#lastSeqOfKey.get(key) ?? 0) > seq);
	}

	#scheduleCheckpoint(link: unknown): undefined {
		const { replica } = this;
		replica.after(3000, () => {
			if (replica.link !== link || replica.link === null || !this.complete) return;
			const checkpoint = replica.records.checkpoint.own + 1;
			if (!replica.world.rules.checkpoint) this.#trim(this.seq);
			replica.link.send(replica.index, { is: "checkpoint", checkpoint, seq: this.seq });
			this.#scheduleCheckpoint(link);
		});
	}

	#checkpointed(checkpoint: number, seq: number): undefined {
		const { replica } = this;
		const link = replica.link;
		replica.syncThen(() => {
			if (!this.complete || replica.link !== link || link === null) return;
			replica.record({ checkpoint: { own: checkpoint, peer: checkpoint } });
			this.#trim(seq);
			link.send(replica.index, { is: "checkpointKnown", checkpoint });
		});
	}

	/** §5.5 steps 1 and 2. */
	lost(): undefined {
		const { replica } = this;
		if (!this.complete) return this.#lostInCopy();
		replica.synchronised = false;
		if (!replica.world.rules.freeze) {
			this.#needsReceipt = false;
			this.#answer();
		} else this.frozen = true;
		replica.standing = { fact: "frozen", why: "the link ended" };
		replica.fact(replica.standing);
		const untilMs = replica.world.nowMs + 2000;
		const attempt = (): undefined => {
			if (!this.complete || replica.link !== null || this.#lost) return;
			if (this.#resume()) return;
			if (replica.world.nowMs < untilMs) return replica.after(200, attempt);
			this.#lost = true;
			replica.standing = { fact: "peerLost", why: "the link ended" };
			replica.fact(replica.standing);
		};
		replica.after(200, attempt);
		// §5.9: no order within locktimeout after a freeze.
		const link = replica.standing;
		replica.after(replica.lockTimeoutMs + 300, () => {
			if (this.frozen && (replica.standing === link || replica.standing?.fact === "peerLost")) replica.failByItself();
		});
	}

	/** The target is outdated by its own word until step 5: this node goes on by itself. */
	#lostInCopy(): undefined {
		const { replica } = this;
		this.#copying = null;
		if (this.#needsReceipt && this.#pending.length > 0) {
			replica.disk.mint(replica.world.random);
			replica.record({});
		}
		this.#needsReceipt = false;
		this.#answer();
		if (replica.session !== null) this.connect(replica.session);
	}

	#resume(): boolean {
		const { replica } = this;
		const { world, peer } = replica;
		const target = peer.target;
		if (target === null || target.over || target.spoilt || target.term !== replica.records.term || !peer.runs())
			return false;
		if (!target.promotable || peer.link !== null) return false;
		if (!world.passes(replica.lan, replica.index) || !world.passes(replica.lan, peer.index)) return false;
		const link = Replica.connect(replica, peer, target.term);
		replica.link = link;
		peer.link = link;
		peer.standing = { fact: "synced", term: target.term, files: 0, bytes: 0 };
		peer.fact({ fact: "link", up: true });
		this.frozen = false;
		replica.synchronised = false;
		this.#needsReceipt = true;
		replica.standing = { fact: "synced", term: target.term, files: 0, bytes: 0 };
		for (const pending of this.#pending) if (pending.seq <= target.received) pending.receipt = true;
		for (const { seq, key, value, durable } of this.#pending) {
			if (seq <= target.received && !durable && !replica.none) continue;
			link.send(replica.index, { is: "operation", operation: { seq, key, value, durable } });
		}
		replica.fact({ fact: "link", up: true });
		replica.fact({ fact: "thawed" });
		this.#answer();
		this.#scheduleCheckpoint(link);
		return true;
	}

	get oldestMs(): number | null {
		return this.#pending[0]?.startedMs ?? null;
	}
}
