/**
 * The data thread's side of the syncer threads. Each costs some 10 MB, so one is there from the start, and more only
 * where jobs wait for one another; what nobody has needed for a while ends.
 */
import { poll } from "../errno.ts";
import type { System } from "../system.ts";
import type { Cancel, DataLoop } from "./dataLoop.ts";
import type { SyncerJob } from "./syncerJob.ts";
import { SyncerRing } from "./syncerRing.ts";
import { type StartSyncer, startSyncer } from "./syncerThread.ts";

type Done = (result: number) => void;

interface Thread {
	ring: SyncerRing;
	/** Whom to tell, in the order of the jobs. */
	waiting: Done[];
	/** Jobs for which the ring has no room yet. */
	backlog: SyncerJob[];
	/** It has had a job since the last look at who is needed. */
	used: boolean;
}

export interface SyncersOptions {
	/** Threads at most. */
	most?: number;
	/** So many are there from the start, and stay. */
	kept?: number;
	/** While these have a thread with nothing to do, it does a job, and none is started here. */
	meanwhile?: Syncers;
	start?: StartSyncer;
}

/** What has had no job for one to two times as long ends. */
const unusedMs = 30_000;

export class Syncers {
	readonly #loop: DataLoop;
	readonly #most: number;
	readonly #kept: number;
	readonly #meanwhile: Syncers | null;
	readonly #startThread: StartSyncer;
	#threads: Thread[] = [];
	readonly #attempt: Cancel;
	/** Of all threads, and never closed: one that ends may still write to it. */
	readonly #wakeFd: number;
	#look: Cancel | null = null;

	/** Must be created in the data thread, before `loop.run`. */
	constructor(loop: DataLoop, system: System, options: SyncersOptions = {}) {
		this.#loop = loop;
		this.#most = options.most ?? 2;
		this.#kept = options.kept ?? 1;
		this.#meanwhile = options.meanwhile ?? null;
		this.#startThread = options.start ?? startSyncer;
		this.#wakeFd = system.eventfd();
		loop.watch(this.#wakeFd, poll.IN, () => {
			system.drainWake(this.#wakeFd);
			this.#collect();
		});
		for (let n = 0; n < this.#kept; n++) this.#start();
		this.#attempt = loop.attempt(() => this.#collect());
	}

	/** Runs `job` in the thread with the fewest jobs; `done` is called in the data thread with 0 or −errno. */
	run(job: SyncerJob, done: Done): void {
		const thread = this.#threadForNext();
		if (thread === null) {
			this.#meanwhile!.run(job, done);
			return;
		}
		thread.used = true;
		thread.waiting.push(done);
		if (thread.backlog.length > 0 || !thread.ring.post(job)) thread.backlog.push(job);
	}

	/** Jobs that have not ended. */
	get pending(): number {
		return this.#threads.reduce((sum, thread) => sum + thread.waiting.length, 0);
	}

	/** Threads that were started here and not ended. */
	get threads(): number {
		return this.#threads.length;
	}

	/** A thread has nothing to do; or none runs yet and nothing waits for it: another one would not run sooner. */
	get hasFree(): boolean {
		const begins = ({ ring, waiting }: Thread): boolean => !ring.served && waiting.length === 0;
		return this.#threads.some(isFree) || this.#threads.every(begins);
	}

	/** Ends the threads, each after its jobs, whose results are forgotten. */
	stop(): void {
		this.#attempt.cancel();
		this.#look?.cancel();
		this.#loop.unwatch(this.#wakeFd);
		for (const { ring } of this.#threads.splice(0)) ring.post({ do: "end" });
	}

	/** null: one of `meanwhile`. */
	#threadForNext(): Thread | null {
		const best = this.#threads.length === 0 ? null : this.#threads.reduce(better);
		if (best !== null && isFree(best)) return best;
		if (this.#meanwhile?.hasFree === true) return null;
		// One at a time: it takes a tenth of a second or more until it runs.
		if (this.#threads.length < this.#most && this.#threads.every(({ ring }) => ring.served)) this.#start();
		return best?.ring.served ? best : this.#threads.reduce(better);
	}

	#collect(): boolean {
		let worked = false;
		for (const thread of this.#threads) {
			if (thread.waiting.length === 0) continue;
			for (let result = thread.ring.collect(); result !== null; result = thread.ring.collect()) {
				worked = true;
				while (thread.backlog.length > 0 && thread.ring.post(thread.backlog[0]!)) thread.backlog.shift();
				thread.waiting.shift()!(result);
			}
		}
		return worked;
	}

	#start(): void {
		const ring = new SyncerRing();
		this.#startThread({ shared: ring.shared, asleep: this.#loop.asleep, wakeFd: this.#wakeFd });
		this.#threads.push({ ring, waiting: [], backlog: [], used: true });
		if (this.#threads.length > this.#kept) this.#look ??= this.#loop.timer(unusedMs, () => this.#endUnused());
	}

	#endUnused(): void {
		let spare = this.#threads.filter(({ ring }) => ring.served).length - this.#kept;
		const ends = (thread: Thread): boolean => !thread.used && isFree(thread) && spare-- > 0;
		const [ended, left] = [[] as Thread[], [] as Thread[]];
		for (const thread of this.#threads) (ends(thread) ? ended : left).push(thread);
		this.#threads = left;
		for (const { ring } of ended) ring.post({ do: "end" });
		for (const thread of left) thread.used = false;
		this.#look = left.length > this.#kept ? this.#loop.timer(unusedMs, () => this.#endUnused()) : null;
	}
}

function isFree({ ring, waiting }: Thread): boolean {
	return ring.served && waiting.length === 0;
}

function better(a: Thread, b: Thread): Thread {
	if (a.ring.served !== b.ring.served) return a.ring.served ? a : b;
	return b.waiting.length < a.waiting.length ? b : a;
}
