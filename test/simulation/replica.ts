/**
 * A model of the replication process of one node: orders in, facts out, exactly as core/engine/replication.ts has
 * them. Data is a handful of cells; what matters is what is where when something dies.
 */
import type { NodeRecords, ReplicationFact, ReplicationOrder } from "../../core/engine/replication.ts";
import { Connection, type End, type Message } from "./connection.ts";
import { Disk } from "./disk.ts";
import { Marks } from "./marks.ts";
import { Source } from "./source.ts";
import type { Target } from "./target.ts";
import type { World } from "./world.ts";

export interface Host {
	readonly name: string;
	readonly index: 0 | 1;
	powered: boolean;
	pausedUntilMs: number;
	slowDiskUntilMs: number;
	fact(fact: ReplicationFact): void;
}

type SessionOrder = ReplicationOrder & { order: "session" };

export class Replica implements End {
	readonly world: World;
	readonly host: Host;
	readonly disk: Disk;
	readonly marks: Marks;
	readonly lan: number;
	readonly none: boolean;
	readonly linkTimeoutMs: number;
	readonly lockTimeoutMs: number;
	peer!: Replica;
	/** 0: no process. */
	incarnation = 0;
	#incarnations = 0;
	/** An applied order of this kind is the last one. */
	session: SessionOrder | null = null;
	source: Source | null = null;
	target: Target | null = null;
	serving = false;
	failed = false;
	/** The order `sync` was carried out since the freeze. */
	synchronised = false;
	link: Connection | null = null;
	/** What a daemon that comes back has to hear again. */
	standing: ReplicationFact | null = null;

	constructor(world: World, host: Host, options: { lan: number; none: boolean; linkMs: number; lockMs: number }) {
		this.world = world;
		this.host = host;
		this.disk = new Disk(host.name, () => world.nowMs);
		this.marks = new Marks(this);
		this.lan = options.lan;
		this.none = options.none;
		this.linkTimeoutMs = options.linkMs;
		this.lockTimeoutMs = options.lockMs;
	}

	get index(): 0 | 1 {
		return this.host.index;
	}
	get records(): NodeRecords {
		return this.disk.records;
	}

	alive(): boolean {
		return this.incarnation !== 0 && this.host.powered;
	}
	runs(): boolean {
		return this.alive() && this.host.pausedUntilMs <= this.world.nowMs;
	}

	/** Runs in this incarnation only, and not while the machine is stopped. */
	after(delayMs: number, run: () => void): undefined {
		const born = this.incarnation;
		const attempt = (): undefined => {
			if (this.incarnation !== born || !this.alive()) return;
			const late = this.host.pausedUntilMs - this.world.nowMs;
			if (late > 0) this.world.after(late, attempt);
			else run();
		};
		this.world.after(delayMs, attempt);
	}

	diskMs(): number {
		const { random } = this.world;
		return this.host.slowDiskUntilMs > this.world.nowMs ? random.between(200, 1500) : random.between(1, 15);
	}

	fact(fact: ReplicationFact): undefined {
		this.host.fact(fact);
	}
	record(change: Partial<NodeRecords>): undefined {
		this.disk.record(change);
		this.fact({ fact: "records", records: this.records });
	}

	/** The process is killed; the page cache stays. */
	kill(): undefined {
		if (this.incarnation === 0) return;
		this.link?.close(this.index);
		const intact = this.serving && !this.failed && !this.records.crashed;
		this.#forget();
		this.#held = intact;
		this.fact({ fact: "died" });
	}

	/** What the process that died served is whole, and its mounts are kept. */
	#held = false;

	powerLoss(): undefined {
		this.#held = false;
		this.link?.vanish(this.index);
		this.#forget();
		this.disk.powerLoss(this.world.random, this.world.extra);
	}

	#forget(): undefined {
		if (this.incarnation === 0) return;
		const unclean = this.records.seal === "open" && this.records.role !== null;
		this.source?.drop();
		this.incarnation = 0;
		this.#clear();
		if (unclean) this.disk.record({ crashed: true });
	}

	#clear(): undefined {
		this.#promoted = false;
		this.session = null;
		this.source = null;
		this.target = null;
		this.serving = false;
		this.failed = false;
		this.synchronised = false;
		this.link = null;
		this.standing = null;
	}

	/** What a daemon that comes back is told again. */
	repeatFacts(): undefined {
		if (this.incarnation === 0) return;
		this.fact({ fact: "records", records: this.records });
		this.fact({ fact: "link", up: this.link !== null });
		if (this.standing !== null) this.fact(this.standing);
	}

	order(order: ReplicationOrder): undefined {
		if (!this.host.powered) return;
		if (order.order === "open") return this.#open(order.adopt === true);
		if (order.order === "abandon") {
			this.#held = false;
			return;
		}
		if (this.incarnation === 0) {
			if (order.order === "close") this.fact({ fact: "closed" });
			else this.#refuse(order, "there is no replication process");
			return;
		}
		// One after the other, in the order in which they were given.
		const { nowMs } = this.world;
		this.#ordersUntilMs = Math.max(this.#ordersUntilMs, nowMs + this.diskMs());
		this.after(this.#ordersUntilMs - nowMs, () => this.#carryOut(order));
	}
	#ordersUntilMs = 0;

	#refuse(order: ReplicationOrder, message: string): undefined {
		this.fact({ fact: "failed", order: order.order, code: "REPLICATION_PROCESS", message });
	}

	#open(adopt: boolean): undefined {
		if (this.incarnation === 0) {
			this.incarnation = ++this.#incarnations;
			if (adopt && this.#held) this.disk.record({ crashed: false });
			this.#held = false;
			this.marks.walk();
		} else if (!this.serving) this.endSession();
		this.after(this.diskMs(), () => this.fact({ fact: "opened", records: this.records }));
	}

	#promoted = false;

	/** Gives up any session: the link is closed, what was received is applied. */
	endSession(): undefined {
		this.#promoted = false;
		this.target?.applyAll();
		this.session = null;
		this.source?.leave();
		if (!this.serving) this.source = null;
		this.target = null;
		this.standing = null;
		this.closeLink();
	}

	closeLink(): undefined {
		if (this.link === null) return;
		const link = this.link;
		this.link = null;
		link.close(this.index);
		this.fact({ fact: "link", up: false });
	}

	failByItself(): undefined {
		this.#carryOut({ order: "fail" });
	}

	#carryOut(order: ReplicationOrder): undefined {
		this.world.log(`${this.host.name} order ${JSON.stringify(order)}`);
		switch (order.order) {
			case "session":
				return this.#startSession(order);
			case "serve":
				return this.#serve(order);
			case "sync":
				return this.syncThen(() => {
					this.synchronised = true;
					this.fact({ fact: "synchronised" });
				});
			case "goAlone":
				return this.#goAlone(order.term);
			case "promote":
				return this.#promote();
			case "fail":
				this.source?.failFrozen();
				this.failed = true;
				return this.#seal(order);
			case "seal":
				return this.#seal(order);
			case "close":
				return this.#close();
			default:
				return;
		}
	}

	syncThen(done: () => void): undefined {
		this.after(this.diskMs(), () => {
			this.disk.sync();
			done();
		});
	}

	#startSession(order: SessionOrder): undefined {
		const same = this.session?.term === order.term && this.session.source === order.source;
		if (same && this.session?.outcome === order.outcome && this.session.everything === order.everything) return;
		if (!same && order.term <= this.records.term) return this.#refuse(order, `term ${order.term} is over`);
		if (this.serving && !order.source) return this.#refuse(order, "this node serves");
		if (!same) this.endSession();
		this.session = order;
		if (order.source) {
			this.source ??= new Source(this);
			this.source.connect(order);
		}
	}

	#serve(order: ReplicationOrder & { order: "serve" }): undefined {
		const { records } = this;
		if (this.serving && records.term === order.term) return this.fact({ fact: "serving", term: order.term });
		if (order.alone) {
			if (order.term <= records.term) return this.#refuse(order, `term ${order.term} is over`);
			this.world.oracle.startsAlone(this, order.term, order.force === true);
			if (this.#promoted) this.world.oracle.goesAlone(this, null);
			this.endSession();
			this.disk.record({ term: order.term, alone: { term: order.term }, seal: "open", crashed: false });
			if (order.force === true) {
				this.disk.declare();
				this.disk.mint(this.world.random, true);
			}
		} else {
			if (this.source === null || records.term !== order.term) return this.#refuse(order, "no session was accepted");
			if (!this.source.complete) this.disk.record({ alone: { term: order.term }, seal: "open", crashed: false });
		}
		this.source ??= new Source(this);
		this.target = null;
		this.serving = true;
		this.failed = false;
		this.world.oracle.serves(this);
		this.fact({ fact: "records", records: this.records });
		this.fact({ fact: "serving", term: order.term });
	}

	#goAlone(term: number): undefined {
		if (this.records.alone?.term === term) return this.fact({ fact: "alone", term });
		if (!this.serving || this.source === null || term <= this.records.term || this.failed) {
			return this.#refuse({ order: "goAlone", term }, `term ${term} is over, or nothing is served here`);
		}
		if (!this.synchronised && this.world.rules.sync) {
			// The permission came before a thaw was known of: what was acknowledged since has two copies in memory.
			this.source.frozen = this.source.complete;
			this.closeLink();
			return this.syncThen(() => {
				this.synchronised = true;
				this.#goAlone(term);
			});
		}
		const mint = this.source.unanswered > 0;
		this.closeLink();
		this.session = null;
		this.standing = null;
		this.disk.record({ term, alone: { term } });
		if (mint) this.disk.mint(this.world.random);
		this.world.oracle.goesAlone(this, term);
		this.source.leave();
		this.world.oracle.serves(this);
		this.fact({ fact: "records", records: this.records });
		this.fact({ fact: "alone", term });
	}

	#promote(): undefined {
		const target = this.target;
		if (target === null || !target.promotable) return this.#refuse({ order: "promote" }, "not promotable");
		target.stop();
		this.closeLink();
		target.applyAll();
		const done = (): undefined => {
			this.#promoted = true;
			this.fact({ fact: "promoted", term: this.records.term, seq: target.received });
		};
		if (this.world.rules.sync) this.syncThen(done);
		else done();
	}

	/** A seal would be a lie after a crash, or half way through a copy. */
	#canSeal(): boolean {
		return !this.records.crashed && !this.records.copying && this.target?.spoilt !== true;
	}

	#seal(order: ReplicationOrder): undefined {
		if (!this.#canSeal()) return this.#refuse(order, "a seal would not be true");
		const finish = (): undefined => {
			const { term } = this.records;
			const seq = this.source?.seq ?? this.target?.received ?? 0;
			this.target?.stop();
			this.#readOnly();
			this.endSession();
			this.syncThen(() => {
				this.record({ seal: { term, seq } });
				this.standing = { fact: "sealed", seal: { term, seq } };
				this.fact(this.standing);
			});
		};
		if (this.source !== null && this.serving && order.order === "seal") this.source.drain(finish);
		else finish();
	}

	/** Before the session is given up: nobody is answered as if this node served alone. */
	#readOnly(): undefined {
		this.source?.failFrozen();
		this.serving = false;
	}

	#close(): undefined {
		this.#readOnly();
		this.endSession();
		const done = (): undefined => {
			if (this.#canSeal() && this.records.seal === "open" && this.records.role !== null) {
				this.record({ seal: { term: this.records.term, seq: 0 } });
			}
			this.incarnation = 0;
			this.#clear();
			this.fact({ fact: "closed" });
		};
		this.syncThen(done);
	}

	received(connection: Connection, message: Message): undefined {
		if (connection !== this.link) return;
		if (this.target !== null) this.target.received1(message);
		else this.source?.received(message);
	}

	/** The link broke, or its other end went away. */
	broken(connection: Connection): undefined {
		this.after(0, () => {
			if (connection !== this.link) return;
			this.link = null;
			if (this.target !== null) this.target.lost();
			this.fact({ fact: "link", up: false });
			this.source?.lost();
		});
	}

	/** Source side: the two processes shake hands if their orders fit. */
	static connect(source: Replica, target: Replica, term: number): Connection {
		const ends = source.index === 0 ? ([source, target] as const) : ([target, source] as const);
		return new Connection(source.world, source.lan, ends, term, source.linkTimeoutMs);
	}
}
