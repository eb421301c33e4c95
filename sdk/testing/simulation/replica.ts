/**
 * The replication process of one simulated server: orders in, facts out, as core/engine/replication.ts has them, with
 * the records that decide whose data counts. There is no data: an application is taken to change something whenever it
 * may. What a real process does with bytes, test/simulation and the laboratories prove.
 */
import { declaredCheckpoints } from "../../../core/engine/meeting.ts";
import {
	freshRecords,
	isSameSession,
	type NodeRecords,
	type ReplicationFact,
	type ReplicationOrder,
	type SessionOrder,
} from "../../../core/engine/replication.ts";
import { mintedEpoch, sharedEpoch } from "../../../core/replication/records/node.ts";
import type { Life } from "./clock.ts";

const [orderMs, resumeMs] = [20, 2000];

/** What a replica asks of the simulation around it. */
export interface ReplicaOptions {
	name: string;
	/** Milliseconds until a lost link is noticed. */
	linkTimeoutMs: number;
	lockTimeoutMs: number;
	/** The network of the replication carries. */
	reaches(): boolean;
	/** How long the next resynchronization takes. */
	copyMs(): number;
	peer(): Replica | null;
}

export class Replica {
	readonly #options: ReplicaOptions;
	records: NodeRecords;
	/** Null: the machine is off. */
	life: Life | null = null;
	#fact: (fact: ReplicationFact) => undefined = () => undefined;
	#open = false;
	serving = false;
	session: SessionOrder | null = null;
	/** The link of the session; each of both sides has the same. */
	#link: { lost: boolean } | null = null;
	#complete = false;
	#frozen = false;
	/** A target whose session ended while it was complete. */
	#promotable = false;

	constructor(options: ReplicaOptions) {
		this.#options = options;
		this.records = freshRecords(options.name);
	}

	/** A copy goes on now. */
	get copying(): boolean {
		return this.#link !== null && !this.#complete;
	}

	attach(life: Life, fact: (fact: ReplicationFact) => undefined): undefined {
		this.life = life;
		this.#fact = fact;
	}

	/** The machine loses power. */
	powerLoss(): undefined {
		if (this.#open && this.records.seal === "open" && this.records.role !== null) this.#change({ crashed: true });
		const link = this.#link;
		this.#forget();
		this.life = null;
		this.#fact = () => undefined;
		if (link !== null) link.lost = true;
		this.#options.peer()?.networkChanged();
	}

	/** The network of the replication, or the other server, came or went. */
	networkChanged(): undefined {
		const link = this.#link;
		const carries = this.#options.reaches();
		if (carries) {
			this.#resume();
			this.#meet();
		}
		if (link === null || (carries && !link.lost)) return;
		this.#later(this.#options.linkTimeoutMs, () => {
			if (this.#link === link && (link.lost || !this.#options.reaches())) this.#lost();
		});
	}

	give(order: ReplicationOrder): undefined {
		this.#later(orderMs, () => this.#carryOut(order));
	}

	#later(delayMs: number, call: () => void): undefined {
		this.life?.after(delayMs, call);
	}

	#change(change: Partial<NodeRecords>): undefined {
		this.records = { ...this.records, ...change };
	}

	#record(change: Partial<NodeRecords>): undefined {
		this.#change(change);
		this.#fact({ fact: "records", records: this.records });
	}

	#refuse(order: ReplicationOrder, message: string): undefined {
		this.#fact({ fact: "failed", order: order.order, code: "REPLICATION_PROCESS", message });
	}

	#forget(): undefined {
		this.#open = false;
		this.serving = false;
		this.session = null;
		this.#link = null;
		this.#complete = false;
		this.#frozen = false;
		this.#promotable = false;
	}

	#carryOut(order: ReplicationOrder): undefined {
		if (order.order === "open") {
			if (this.#open && !this.serving) this.#endSession();
			this.#open = true;
			this.#fact({ fact: "opened", records: this.records });
			return;
		}
		if (order.order === "close") return this.#close();
		if (order.order === "abandon") return;
		if (!this.#open) return this.#refuse(order, "there is no replication process");
		switch (order.order) {
			case "session":
				return this.#startSession(order);
			case "serve":
				return this.#serve(order);
			case "sync":
				return this.#fact({ fact: "synchronised" });
			case "goAlone":
				return this.#goAlone(order);
			case "promote":
				return this.#promote(order);
			case "fail":
			case "seal":
				return this.#seal(order);
			default:
				return this.#refuse(order, `${order.order} is not simulated`);
		}
	}

	#startSession(order: SessionOrder): undefined {
		if (this.session !== null && isSameSession(this.session, order)) return;
		const again = this.session?.term === order.term && this.session.source === order.source;
		if (!again && order.term <= this.records.term) return this.#refuse(order, `term ${order.term} is over`);
		if (this.serving && !order.source) return this.#refuse(order, "this server serves");
		if (!again) this.#endSession();
		this.session = order;
		this.#meet();
	}

	/** Both were ordered the same session, and reach each other: the source begins to copy. */
	#meet(): undefined {
		const peer = this.#options.peer();
		if (peer === null || !this.#options.reaches()) return;
		const [source, target] = this.session?.source === true ? [this, peer] : [peer, this];
		const [mine, theirs] = [source.session, target.session];
		if (mine === null || theirs === null || source.#link !== null || target.#link !== null) return;
		if (!mine.source || theirs.source || mine.term !== theirs.term || mine.outcome !== theirs.outcome) return;
		if (!source.#open || !target.#open) return;
		const link = { lost: false };
		const { term } = mine;
		target.#join(link, { term, was: "secondary" });
		target.#record({ copying: true, keeping: mine.quarantine });
		source.#later(orderMs, () => {
			if (source.#link !== null || link.lost) return;
			source.#join(link, { term, was: "primary" });
			source.#record({});
			source.#fact({ fact: "accepted", term });
			source.#later(source.#options.copyMs(), () => source.#finish(link, target));
		});
	}

	#join(link: { lost: boolean }, { term, was }: { term: number; was: "primary" | "secondary" }): undefined {
		this.#link = link;
		this.#complete = false;
		this.#frozen = false;
		this.#promotable = false;
		this.#change({ term, role: { was, sinceTerm: term }, seal: "open", crashed: false });
		if (was === "secondary") this.#change({ alone: null });
		this.#fact({ fact: "link", up: true });
	}

	#finish(link: { lost: boolean }, target: Replica): undefined {
		if (this.#link !== link || target.#link !== link || link.lost) return;
		const { term } = this.records;
		const own = 1 + Math.max(this.records.checkpoint.own, this.records.checkpoint.peer, target.records.checkpoint.own);
		const common = { epoch: sharedEpoch(this.records.epoch), checkpoint: { own, peer: own } };
		for (const side of [this, target]) {
			side.#complete = true;
			side.#record(side === this ? { ...common, alone: null } : { ...common, copying: false, keeping: false });
			side.#fact({ fact: "synced", term, files: 1, bytes: 1 });
		}
	}

	#serve(order: ReplicationOrder & { order: "serve" }): undefined {
		const { term, alone, force } = order;
		if (this.serving && this.records.term === term) return this.#fact({ fact: "serving", term });
		if (alone) {
			if (term <= this.records.term) return this.#refuse(order, `term ${term} is over`);
			this.#endSession();
			this.#change({ term, alone: { term }, seal: "open", crashed: false });
			if (force === true) this.#declare();
			else this.#mint();
		} else {
			if (this.#link === null || this.records.term !== term) return this.#refuse(order, "no session was accepted");
			if (!this.#complete) this.#change({ alone: { term } });
		}
		this.serving = true;
		this.#record({});
		this.#fact({ fact: "serving", term });
	}

	/** A person's word that this copy counts. */
	#declare(): undefined {
		const { own, peer } = this.records.checkpoint;
		const checkpoint = { own: own + declaredCheckpoints, peer };
		this.#change({ copying: false, checkpoint, epoch: mintedEpoch(this.records.epoch, true) });
	}

	/** The application changes something that the other server does not get: a line of its own, once a separation. */
	#mint(): undefined {
		const { epoch } = this.records;
		if (epoch === null || epoch.current === epoch.base) this.#change({ epoch: mintedEpoch(epoch, false) });
	}

	#goAlone(order: ReplicationOrder & { order: "goAlone" }): undefined {
		const { term } = order;
		if (this.records.alone?.term === term) return this.#fact({ fact: "alone", term });
		if (!this.serving || term <= this.records.term) return this.#refuse(order, `term ${term} is over`);
		this.#closeLink();
		this.session = null;
		this.#complete = false;
		this.#frozen = false;
		this.#change({ term, alone: { term } });
		this.#mint();
		this.#record({});
		this.#fact({ fact: "alone", term });
	}

	#promote(order: ReplicationOrder): undefined {
		if (!this.#promotable && !(this.#complete && this.session?.source === false)) {
			return this.#refuse(order, "this copy is not complete");
		}
		this.#closeLink();
		this.#fact({ fact: "promoted", term: this.records.term, seq: 0 });
	}

	get #canSeal(): boolean {
		return !this.records.crashed && !this.records.copying;
	}

	#seal(order: ReplicationOrder): undefined {
		if (!this.#canSeal) return this.#refuse(order, "a seal would not be true");
		this.serving = false;
		this.#endSession();
		const seal = { term: this.records.term, seq: 0 };
		this.#record({ seal });
		this.#fact({ fact: "sealed", seal });
	}

	#close(): undefined {
		if (this.#open) {
			this.serving = false;
			this.#endSession();
			if (this.#canSeal && this.records.seal === "open" && this.records.role !== null) {
				this.#record({ seal: { term: this.records.term, seq: 0 } });
			}
			this.#forget();
		}
		this.#fact({ fact: "closed" });
	}

	#endSession(): undefined {
		this.#closeLink();
		this.session = null;
		this.#complete = false;
		this.#frozen = false;
		this.#promotable = false;
	}

	/** The other side hears of it, if the network carries; otherwise when its own timeout is over. */
	#closeLink(): undefined {
		const link = this.#link;
		if (link === null) return;
		this.#link = null;
		link.lost = true;
		this.#fact({ fact: "link", up: false });
		const peer = this.#options.peer();
		if (peer === null || peer.#link !== link) return;
		peer.#later(this.#options.reaches() ? 1 : this.#options.linkTimeoutMs, () => {
			if (peer.#link === link) peer.#lost();
		});
	}

	/** The network came back before anybody decided: everything goes on as it was. */
	#resume(): undefined {
		const peer = this.#options.peer();
		if (peer === null || !this.#options.reaches()) return;
		const [source, target] = this.#frozen ? [this, peer] : [peer, this];
		if (!source.#frozen || !target.#promotable || source.session?.term !== target.session?.term) return;
		const link = { lost: false };
		for (const side of [target, source]) {
			side.#link = link;
			side.#complete = true;
			side.#frozen = false;
			side.#promotable = false;
			side.#fact({ fact: "link", up: true });
		}
		source.#fact({ fact: "thawed" });
	}

	/** The link ended, and not by this side's will. */
	#lost(): undefined {
		const link = this.#link;
		this.#link = null;
		if (link !== null) link.lost = true;
		const complete = this.#complete;
		if (this.session?.source !== true) {
			this.#promotable = complete;
			this.#fact({ fact: "linkLost", promotable: complete });
			this.#fact({ fact: "link", up: false });
			return;
		}
		this.#fact({ fact: "link", up: false });
		if (!complete) return this.#meet();
		this.#frozen = true;
		this.#fact({ fact: "frozen", why: "the link ended" });
		this.#later(resumeMs, () => {
			if (this.#frozen) this.#fact({ fact: "peerLost", why: "the link ended" });
		});
		this.#later(this.#options.lockTimeoutMs + 300, () => {
			if (this.#frozen) this.#seal({ order: "fail" });
		});
	}
}
