/** The lans of a farm: they lose, delay, repeat and reorder, and may be cut in one direction. */
import { type FarmModule, followerLossMs, leaderLossMs, leaseMs } from "../../../core/engine/farm/group.ts";
import type { Random } from "../random.ts";
import type { Fault, Plan } from "./plan.ts";
import type { Queue } from "./queue.ts";

type Cut = Extract<Fault, { is: "cut" }>;
type Bad = Extract<Fault, { is: "bad" }>;

/** One direction. */
interface Way {
	/** Packets in a row. */
	lost: number;
	sentMs: number;
	/** When the last packet that arrived was sent. */
	arrivedMs: number;
	/** When so many were lost that the other side may doubt, and that whoever hears of it through the other side may. */
	doubtMs: number;
	relayDoubtMs: number;
}

export class Network {
	readonly #plan: Plan;
	readonly #random: Random;
	readonly #queue: Queue;
	readonly #cuts = new Set<Cut>();
	#bad: Bad | null = null;
	readonly #ways = new Map<number, Way>();

	/** How often a way was cut or came back. */
	changes = 0;

	constructor(plan: Plan, random: Random, queue: Queue) {
		this.#plan = plan;
		this.#random = random;
		this.#queue = queue;
	}

	cut(cut: Cut): void {
		this.#cuts.add(cut);
		this.changes++;
		this.#queue.after(cut.forMs, () => {
			if (this.#cuts.delete(cut)) this.changes++;
		});
	}

	worsen(bad: Bad): void {
		this.#bad = bad;
		this.#queue.after(bad.forMs, () => {
			if (this.#bad === bad) this.#bad = null;
		});
	}

	/** Does it lose or delay anything by chance now? */
	get bad(): boolean {
		return this.#bad !== null;
	}

	heal(): void {
		this.changes++;
		this.#cuts.clear();
		this.#bad = null;
	}

	/** From one to another on all lans that both are on. */
	send(from: number, to: number, deliver: () => void): void {
		let arrives = false;
		const { loss, delayMs, twice } = this.#bad ?? { loss: 0, delayMs: 1, twice: 0 };
		for (const lan of this.#plan.lans.keys()) {
			if (!this.#passes(from, to, lan) || this.#random.chance(loss)) continue;
			arrives = true;
			const copies = this.#random.chance(twice) ? 2 : 1;
			for (let n = 0; n < copies; n++) {
				this.#queue.after(0.05 + this.#random.next() * delayMs, deliver);
			}
		}
		const way = this.#way(from, to);
		way.sentMs = this.#queue.nowMs;
		if (arrives) way.arrivedMs = this.#queue.nowMs;
		way.lost = arrives ? 0 : way.lost + 1;
		const { leaderLost, followerLost } = this.#plan;
		const tolerated = Math.min(leaderLost, followerLost) - 3;
		if (way.lost >= tolerated) way.doubtMs = this.#queue.nowMs;
		// Two losses of that length, and the two delays, are still shorter than the time.
		if (way.lost >= Math.max(1, (tolerated - 2) / 2)) way.relayDoubtMs = this.#queue.nowMs;
	}

	#way(from: number, to: number): Way {
		const key = from * 64 + to;
		const never = Number.NEGATIVE_INFINITY;
		const way = this.#ways.get(key) ?? { lost: 0, sentMs: 0, arrivedMs: 0, doubtMs: never, relayDoubtMs: never };
		this.#ways.set(key, way);
		return way;
	}

	/**
	 * A server says nothing more, while its kernel goes on until the lease ends. That counts from what was sent, the
	 * others count from what they heard: whose packets were all lost for longer than the difference was cut off before.
	 */
	silent(from: number, module: FarmModule): void {
		const marginMs = Math.min(leaderLossMs(module), followerLossMs(module)) - leaseMs(module);
		for (let to = 0; to < this.#plan.nodes; to++) {
			const way = this.#way(from, to);
			if (way.sentMs - way.arrivedMs <= marginMs) continue;
			way.doubtMs = this.#queue.nowMs;
			way.relayDoubtMs = this.#queue.nowMs;
		}
	}

	#passes(from: number, to: number, lan: number): boolean {
		const members = this.#plan.lans[lan] ?? [];
		if (!members.includes(from) || !members.includes(to)) return false;
		for (const cut of this.#cuts) {
			if ((cut.lan === null || cut.lan === lan) && cut.from.includes(from) && cut.to.includes(to)) return false;
		}
		return true;
	}

	/** Is there a way in this direction now, and has it been sound of late? `relayed`: as one of several on a longer way. */
	sound(from: number, to: number, withinMs: number, relayed: boolean): boolean {
		if (!this.#plan.lans.some((_, lan) => this.#passes(from, to, lan))) return false;
		const { doubtMs, relayDoubtMs } = this.#way(from, to);
		return this.#queue.nowMs - (relayed ? relayDoubtMs : doubtMs) >= withinMs;
	}
}
