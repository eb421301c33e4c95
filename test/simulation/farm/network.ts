/** The lans of a farm: they lose, delay, repeat and reorder, and may be cut in one direction. */
import type { Random } from "../random.ts";
import type { Fault, Plan } from "./plan.ts";
import type { Queue } from "./queue.ts";

type Cut = Extract<Fault, { is: "cut" }>;
type Bad = Extract<Fault, { is: "bad" }>;

export class Network {
	readonly #plan: Plan;
	readonly #random: Random;
	readonly #queue: Queue;
	readonly #cuts = new Set<Cut>();
	#bad: Bad | null = null;
	/** For each direction: packets lost in a row, and when so many were that the other side may doubt. */
	readonly #lost = new Map<number, number>();
	readonly #doubtMs = new Map<number, number>();

	constructor(plan: Plan, random: Random, queue: Queue) {
		this.#plan = plan;
		this.#random = random;
		this.#queue = queue;
	}

	cut(cut: Cut): void {
		this.#cuts.add(cut);
		this.#queue.after(cut.forMs, () => this.#cuts.delete(cut));
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
		const key = from * 64 + to;
		const lost = arrives ? 0 : (this.#lost.get(key) ?? 0) + 1;
		this.#lost.set(key, lost);
		const { leaderLost, followerLost } = this.#plan;
		if (lost >= Math.min(leaderLost, followerLost) - 3) this.#doubtMs.set(key, this.#queue.nowMs);
	}

	#passes(from: number, to: number, lan: number): boolean {
		const members = this.#plan.lans[lan] ?? [];
		if (!members.includes(from) || !members.includes(to)) return false;
		for (const cut of this.#cuts) {
			if ((cut.lan === null || cut.lan === lan) && cut.from.includes(from) && cut.to.includes(to)) return false;
		}
		return true;
	}

	/** Is there a way in this direction now, and has it been sound of late? */
	sound(from: number, to: number, withinMs: number): boolean {
		if (!this.#plan.lans.some((_, lan) => this.#passes(from, to, lan))) return false;
		return this.#queue.nowMs - (this.#doubtMs.get(from * 64 + to) ?? Number.NEGATIVE_INFINITY) >= withinMs;
	}
}
