/** The orders of the engine, carried out in the data thread (core/engine/replication.ts has their meaning). */
import { declaredCheckpoints } from "../../engine/meeting.ts";
import { isSameSession, type ReplicationOrder, type SessionOrder } from "../../engine/replication.ts";
import { asSafekitError, SafekitError } from "../../errors.ts";
import { errnoName } from "../errno.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import { Primary } from "../primary/primary.ts";
import { Source } from "../primary/source.ts";
import { estimate } from "../resync/estimate.ts";
import { emptyLimbo } from "../secondary/repairs.ts";
import { Target } from "../secondary/target.ts";
import { type Context, markAll, type Sabotage } from "./context.ts";
import { watchFreeze } from "./watchFreeze.ts";

/** The mounts, as far as orders need them. */
export interface Mounts {
	setWritable(writable: boolean): void;
	/** Takes them away; `done` gets a sentence when one stays. */
	unmount(done: (why: string | null) => void): void;
}

type Of<K extends ReplicationOrder["order"]> = Extract<ReplicationOrder, { order: K }>;

const drainMs = 5000;

export class ReplicationNode {
	readonly #context: Context;
	readonly primary: Primary;
	readonly #mounts: Mounts;
	readonly #ended: () => void;
	readonly #neverSyncs: boolean;
	#source: Source | null = null;
	#target: Target | null = null;
	#served: { term: number; alone: boolean } | null = null;
	#wentAlone: number | null = null;
	/** syncfs was done since the freeze: §5.5 step 3. */
	#synchronised = false;
	/** Counted, so that a sync that began before the last freeze is not taken for one after it. */
	#freezes = 0;
	#promoted: { term: number; seq: number } | null = null;
	#closing = false;
	#noOrder: Cancel | null = null;
	/** Mounts were taken over from a process that died serving; the order to go on has not come. */
	#held = false;

	/** Counts orders: one that waits for the disk is replaced by the next. */
	#orders = 0;
	/** The term of the last person's word (`force`) that the marks know of. */
	#declared: number | null = null;

	/** @param ended the process may end. */
	constructor(context: Context, mounts: Mounts, sabotage: Sabotage | null, ended: () => void) {
		this.#context = watchFreeze(context, (frozen) => this.#frozen(frozen));
		this.#mounts = mounts;
		this.#ended = ended;
		this.primary = new Primary(this.#context, sabotage === "early-ack");
		this.#neverSyncs = sabotage === "no-sync";
	}

	/** The link lives: told again to a daemon that connects. */
	get serving(): boolean {
		return this.#served !== null;
	}

	/** A session is ordered, runs, or was given up a moment ago. */
	get engaged(): boolean {
		return this.#source !== null || this.#target !== null || this.#promoted !== null;
	}

	/** §5.9: the process that served died; this one has its mounts. Changes wait for an order, not for ever. */
	takeOver(): void {
		this.#held = true;
		this.primary.hold();
		this.#frozen(true);
	}

	order(order: ReplicationOrder): void {
		this.#orders++;
		try {
			this.#carryOut(order);
		} catch (error) {
			const known = asSafekitError(error);
			this.#context.fact({ fact: "failed", order: order.order, code: known.code, message: known.message });
		}
	}

	#carryOut(order: ReplicationOrder) {
		if (this.#closing && order.order !== "close") throw refused("the process is ending");
		switch (order.order) {
			case "open":
				return this.#open();
			case "abandon":
				throw refused("a process that lives is closed");
			case "session":
				return this.#session(order);
			case "serve":
				return this.#serve(order);
			case "sync":
				return this.#sync(() => this.#context.fact({ fact: "synchronised" }));
			case "goAlone":
				return this.#goAlone(order);
			case "promote":
				return this.#promote();
			case "fail":
				return this.#fail();
			case "seal":
				return this.#seal("seal", () => {});
			case "close":
				return this.#close();
			case "estimate":
				return estimate(this.#context, (found) => this.#context.fact(found));
			case "verify":
				return this.#verify();
		}
	}

	#verify() {
		if (this.#source?.complete !== true) throw refused("both copies can be compared in a complete session only");
		this.#source.verify((result) => {
			if (!(result instanceof Error)) return this.#context.fact(result);
			const { code, message } = asSafekitError(result);
			this.#context.fact({ fact: "failed", order: "verify", code, message });
		});
	}

	#open() {
		const answer = (): void => this.#context.fact({ fact: "opened", records: this.#context.records.shown });
		if ((this.#served !== null || this.#held) && this.primary.mode !== "failed") return answer();
		this.primary.readOnly();
		this.#served = null;
		this.#endSessions(true, answer);
	}

	/** A session that is pending or runs is given up; what was received is applied first. */
	#endSessions(farewell: boolean, done: () => void): void {
		this.#source?.stop();
		this.#source = null;
		const target = this.#target;
		this.#target = null;
		this.#promoted = null;
		if (target === null) done();
		else target.stop(farewell, done);
	}

	#session(order: SessionOrder) {
		const running = order.source ? this.#source : this.#target;
		const ended = order.source && this.#source?.over === true;
		if (running !== null && isSameSession(running.order, order) && !ended) {
			if (this.#source?.accepted) this.#context.fact({ fact: "accepted", term: order.term });
			return;
		}
		const { records } = this.#context;
		if (order.term <= records.now.term) throw refused(`term ${order.term} after term ${records.now.term}`);
		if (order.source && records.now.copying) throw refused("a half-copied node cannot be the source");
		if (!order.source && this.#served !== null) throw refused("a node that serves cannot be the target");
		this.#endSessions(true, () => {
			try {
				if (order.source) this.#source = new Source(this.#context, this.primary, order);
				else this.#target = new Target(this.#context, order);
			} catch (error) {
				const { code, message } = asSafekitError(error);
				this.#context.fact({ fact: "failed", order: "session", code, message });
			}
		});
	}

	#serve({ term, alone, force = false }: Of<"serve">) {
		const { records, fact } = this.#context;
		if (this.#served?.term === term && this.#served.alone === alone) return fact({ fact: "serving", term });
		if (records.now.copying && !force) throw refused("this node was only half copied");
		const role = { was: "primary", sinceTerm: term } as const;
		const complete = !alone && this.#source?.complete === true;
		if (alone) {
			if (term <= records.now.term) throw refused(`term ${term} after term ${records.now.term}`);
			this.#endSessions(true, () => {});
		} else if (this.#source?.accepted !== true || this.#source.order.term !== term) {
			throw refused(`no session of term ${term} was accepted`);
		}
		const declared = force && records.justDeclared;
		if (force && !declared && this.#declared !== term) return this.#declare({ order: "serve", term, alone, force });
		const own = complete ? {} : { alone: { term } };
		const { copying, checkpoint } = records.now;
		const raised = force ? { checkpoint: { ...checkpoint, own: checkpoint.own + declaredCheckpoints } } : {};
		records.change({ term, role, seal: "open", copying: false, keeping: false, ...own, ...raised }, true);
		// A disk that is put back to this moment must not take its former line up again.
		if (force) records.mint(!declared, declared);
		// What is kept is open: of this process, or of one that died.
		if (!this.#held && this.#served === null) for (const { tree } of this.#context.volumes) tree.emptyKept();
		this.#held = false;
		this.#frozen(false);
		// Left by a copy that was complete; of one that was not, a person may still want something.
		if (!copying) emptyLimbo(this.#context, () => this.#served?.term !== term);
		this.#served = { term, alone };
		this.#mounts.setWritable(true);
		if (complete) this.primary.servePaired(term);
		else if (this.#source?.finishing === true) this.primary.servePaired(term);
		else this.primary.serveAlone(term);
		fact({ fact: "serving", term });
	}

	/** A person says that this copy counts, half copied or put back: its marks say nothing of how the other one differs. */
	#declare(order: Of<"serve">): void {
		const orders = this.#orders;
		markAll(this.#context, () => {
			if (orders !== this.#orders) return;
			this.#declared = order.term;
			this.order(order);
		});
	}

	/** §5.5 step 3: what had two copies in memory is on disk before it has one keeper. */
	#sync(done: () => void, order: ReplicationOrder["order"] = "sync", failed: () => void = () => {}) {
		const freezes = this.#freezes;
		const { disks } = this.#context;
		disks.sync(() => {
			const failure = disks.failure();
			if (failure < 0) {
				this.#context.records.markFailed();
				const message = `the disk cannot be synced: ${errnoName(failure)}`;
				if (this.#served !== null) this.#context.fact({ fact: "diskFailed", message });
				this.#context.fact({ fact: "failed", order, code: "REPLICATION_DISK", message });
				return failed();
			}
			this.#synchronised ||= freezes === this.#freezes;
			done();
		});
	}

	#goAlone({ term }: Of<"goAlone">) {
		const { records, fact } = this.#context;
		if (this.#wentAlone === term) return fact({ fact: "alone", term });
		if (this.#served === null || this.primary.mode === "failed") throw refused("this node does not serve");
		if (term <= records.now.term) throw refused(`term ${term} after term ${records.now.term}`);
		const go = () => {
			this.order({ order: "goAlone", term });
		};
		if (this.primary.mode === "paired") {
			// The permission came before the link was found to be dead: nothing may be acknowledged by it any more.
			this.#source?.stop();
			this.primary.freeze();
			this.#freezes++;
			this.#synchronised = false;
		}
		if (!this.#synchronised && !this.#neverSyncs) return this.#sync(go, "goAlone");
		this.#source?.stop();
		this.#source = null;
		records.change({ term, alone: { term } });
		if (this.primary.waiting > 0) records.mint();
		this.#wentAlone = term;
		this.#frozen(false);
		this.primary.goAlone(term);
		fact({ fact: "alone", term });
	}

	#promote() {
		if (this.#promoted !== null) {
			this.#context.fact({ fact: "promoted", ...this.#promoted });
			return;
		}
		const target = this.#target;
		if (target === null || !target.promotable) throw refused("this node is not promotable");
		target.stop(false, () => {
			if (!target.promotable) {
				const message = "a received change could not be applied";
				this.#context.fact({ fact: "failed", order: "promote", code: "REPLICATION_APPLY", message });
				return;
			}
			this.#sync(() => {
				this.#promoted = { term: target.order.term, seq: target.seq };
				this.#target = null;
				this.#context.fact({ fact: "promoted", ...this.#promoted });
			}, "promote");
		});
	}

	#fail() {
		this.#frozen(false);
		this.#source?.stop();
		this.#source = null;
		this.primary.fail();
		this.#sealNow("fail", () => {});
	}

	/** @param order on whose behalf: a failure names it. */
	#seal(order: "seal" | "close", done: () => void) {
		const { records } = this.#context;
		if (records.now.seal !== "open" && this.#served === null && this.#target === null && this.#source === null) {
			this.#context.fact({ fact: "sealed", seal: records.now.seal });
			return done();
		}
		const target = this.#target;
		if (target !== null) {
			this.#target = null;
			target.stop(true, () => (target.broken ? this.#notTrue(order, done) : this.#sealNow(order, done)));
			return;
		}
		this.#drain(this.#context.loop.now() + drainMs, () =>
			this.#lastCheckpoint(() => {
				this.#frozen(false);
				this.#source?.stop();
				this.#source = null;
				if (this.primary.waiting > 0) this.primary.fail();
				this.primary.readOnly();
				this.#sealNow(order, done);
			}),
		);
	}

	/** Both disks have everything at a planned stop: no marks are left for the next start. */
	#lastCheckpoint(done: () => void): void {
		let isOver = false;
		const once = () => {
			if (isOver) return;
			isOver = true;
			deadline.cancel();
			done();
		};
		const deadline = this.#context.loop.timer(drainMs, once);
		if (this.#source === null) once();
		else this.#source.checkpoint(once);
	}

	/** The application is stopped: what it wrote last gets to the peer, if there is one. */
	#drain(untilMs: number, done: () => void) {
		const { loop } = this.#context;
		const over = this.primary.mode !== "paired" || this.primary.waiting === 0 || loop.now() > untilMs;
		if (over) done();
		else loop.timer(5, () => this.#drain(untilMs, done));
	}

	#sealNow(order: "seal" | "close" | "fail", done: () => void) {
		const { records } = this.#context;
		if (records.now.copying || records.crashed) return this.#notTrue(order, done);
		const written = () => {
			const seal = { term: records.now.term, seq: this.primary.seq };
			const sealed = records.now.seal === "open" ? seal : records.now.seal;
			records.change({ seal: sealed });
			this.#context.fact({ fact: "sealed", seal: sealed });
			this.#release();
			done();
		};
		// A process that is to end does so also without a seal.
		this.#sync(written, order, order === "close" ? done : () => this.#release());
	}

	#release(): void {
		this.#held = false;
		this.#served = null;
		this.#wentAlone = null;
		if (this.primary.mode !== "failed") this.primary.readOnly();
		this.#mounts.setWritable(false);
	}

	#notTrue(order: "seal" | "close" | "fail", done: () => void) {
		const { records } = this.#context;
		const why = records.now.copying ? "this node was only half copied" : "this node may lack acknowledged changes";
		this.#release();
		if (order !== "close") {
			this.#context.fact({ fact: "failed", order, code: "REPLICATION_ORDER", message: `no seal: ${why}` });
		}
		done();
	}

	#close() {
		if (this.#closing) return;
		this.#closing = true;
		this.#seal("close", () => {
			this.#endSessions(true, () => this.#unmount());
		});
	}

	#unmount(): void {
		this.primary.readOnly();
		this.#mounts.unmount((why) => {
			if (why !== null) this.#context.log("W", "rfsplug", why);
			this.#context.fact({ fact: "closed" });
			this.#ended();
		});
	}

	/** §5.9: a daemon that gives no order in time must not keep the application waiting for ever. */
	#frozen(frozen: boolean): void {
		this.#noOrder?.cancel();
		this.#noOrder = null;
		if (!frozen) return;
		this.#freezes++;
		this.#synchronised = false;
		this.#noOrder = this.#context.loop.timer(this.#context.config.lockTimeoutMs, () => {
			this.#context.log("C", "rfsplug", "No permission to go on alone came in time: changes are refused");
			this.order({ order: "fail" });
		});
	}
}

function refused(message: string): SafekitError {
	return new SafekitError("REPLICATION_ORDER", message);
}
