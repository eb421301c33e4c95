/** Virtual time and the network: everything of a simulated cluster that is neither a node nor the witness. */
import type { Oracle } from "./oracle.ts";
import { Random } from "./random.ts";
import type { SimulatedRules } from "./rules.ts";

interface Due {
	atMs: number;
	order: number;
	run: () => void;
}

/** A queue of things to come, ordered by time and then by the order in which they were planned. */
export class Agenda {
	#heap: Due[] = [];
	#orders = 0;

	get size(): number {
		return this.#heap.length;
	}

	add(atMs: number, run: () => void): undefined {
		const due = { atMs, order: this.#orders++, run };
		const heap = this.#heap;
		let i = heap.push(due) - 1;
		while (i > 0) {
			const parent = (i - 1) >> 1;
			if (!before(due, heap[parent] as Due)) break;
			heap[i] = heap[parent] as Due;
			i = parent;
		}
		heap[i] = due;
	}

	first(): Due | undefined {
		return this.#heap[0];
	}

	take(): Due | undefined {
		const heap = this.#heap;
		const first = heap[0];
		const last = heap.pop();
		if (first === undefined || last === undefined || heap.length === 0) return first;
		let i = 0;
		for (;;) {
			let child = 2 * i + 1;
			if (child >= heap.length) break;
			if (child + 1 < heap.length && before(heap[child + 1] as Due, heap[child] as Due)) child++;
			if (!before(heap[child] as Due, last)) break;
			heap[i] = heap[child] as Due;
			i = child;
		}
		heap[i] = last;
		return first;
	}
}

const before = (a: Due, b: Due): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** One network between the two nodes; index 0 is the way from node 0 to node 1, index 1 the way back. */
export interface Lan {
	cut: [boolean, boolean];
	loss: [number, number];
	delayMs: [number, number];
}

/** A run of usual length has some tens of thousands; one that goes in circles at one moment has no end. */
const maxEvents = 400_000;

export class World {
	#happened = 0;
	nowMs = 0;
	readonly agenda = new Agenda();
	readonly random: Random;
	/** For marks and disks: what they draw leaves the rest of a run as it was. */
	readonly extra: Random;
	/** Marks are there at once and nobody changes anything by hand, as in runs of old. */
	plain = false;
	readonly rules: SimulatedRules;
	readonly oracle: Oracle;
	readonly lans: Lan[];
	/** Set by tests that want to see what happened. */
	trace: ((text: string) => void) | null = null;

	constructor(random: Random, rules: SimulatedRules, oracle: Oracle, lans: number) {
		this.random = random;
		this.extra = new Random(Math.floor(random.clone().next() * 2 ** 32));
		this.rules = rules;
		this.oracle = oracle;
		this.lans = Array.from({ length: lans }, () => ({ cut: [false, false], loss: [0, 0], delayMs: [2, 2] }));
	}

	after(delayMs: number, run: () => void): undefined {
		this.agenda.add(this.nowMs + delayMs, run);
	}

	/** Runs until nothing is due before `untilMs`, or `stop` says so. */
	run(untilMs: number, stop: () => boolean): undefined {
		while (!stop()) {
			if (++this.#happened > maxEvents) return this.oracle.violation("limits", "the cluster never comes to rest");
			const due = this.agenda.first();
			if (due === undefined) return;
			if (due.atMs > untilMs) {
				this.nowMs = untilMs;
				return;
			}
			this.agenda.take();
			this.nowMs = due.atMs;
			due.run();
			this.oracle.instant();
		}
	}

	/** Sends one packet: it arrives after a delay, or never. */
	packet(lan: number, from: 0 | 1, deliver: () => void): undefined {
		if (this.passes(lan, from)) this.after(this.delay(lan, from), deliver);
	}

	passes(lan: number, from: 0 | 1): boolean {
		const way = this.lans[lan] as Lan;
		return !way.cut[from] && !(way.loss[from] > 0 && this.random.chance(way.loss[from]));
	}

	delay(lan: number, from: 0 | 1): number {
		const way = this.lans[lan] as Lan;
		return way.delayMs[from] + this.random.between(0, way.delayMs[from]);
	}

	log(text: string): undefined {
		this.trace?.(`${String(Math.round(this.nowMs)).padStart(7)} ${text}`);
	}
}
