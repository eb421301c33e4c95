/** The data thread's side of the syncer threads. */
import { Worker } from "node:worker_threads";
import { poll } from "../errno.ts";
import type { System } from "../system.ts";
import type { Cancel, DataLoop } from "./dataLoop.ts";
import type { SyncerJob } from "./syncerJob.ts";
import { SyncerRing } from "./syncerRing.ts";

type Done = (result: number) => void;

interface Thread {
	worker: Worker;
	ring: SyncerRing;
	wakeFd: number;
	/** Whom to tell, in the order of the jobs. */
	waiting: Done[];
	/** Jobs for which the ring has no room yet. */
	backlog: SyncerJob[];
}

export class Syncers {
	readonly #loop: DataLoop;
	readonly #system: System;
	readonly #threads: Thread[];
	readonly #attempt: Cancel;

	/** Starts the threads. Must be created in the data thread, before `loop.run`. */
	constructor(loop: DataLoop, system: System, count = 2) {
		this.#loop = loop;
		this.#system = system;
		this.#threads = Array.from({ length: count }, () => this.#start());
		this.#attempt = loop.attempt(() => this.#collect());
	}

	/** Runs `job` in the thread with the fewest jobs; `done` is called in the data thread with 0 or −errno. */
	run(job: SyncerJob, done: Done): void {
		const thread = this.#threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a));
		thread.waiting.push(done);
		if (thread.backlog.length > 0 || !thread.ring.post(job)) thread.backlog.push(job);
	}

	/** Jobs that have not ended. */
	get pending(): number {
		return this.#threads.reduce((sum, thread) => sum + thread.waiting.length, 0);
	}

	/** Ends the threads; jobs that have not ended are forgotten. */
	stop(): void {
		this.#attempt.cancel();
		for (const thread of this.#threads.splice(0)) {
			this.#loop.unwatch(thread.wakeFd);
			// Its last word must not go to a descriptor that means something else by then.
			void thread.worker.terminate().then(() => this.#system.close(thread.wakeFd));
		}
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

	#start(): Thread {
		const ring = new SyncerRing();
		const wakeFd = this.#system.eventfd();
		const worker = new Worker(new URL("./syncer.ts", import.meta.url), {
			workerData: { shared: ring.shared, asleep: this.#loop.asleep, wakeFd },
			execArgv: [],
			resourceLimits: { maxYoungGenerationSizeMb: 2 },
		});
		this.#loop.watch(wakeFd, poll.IN, () => {
			this.#system.drainWake(wakeFd);
			this.#collect();
		});
		return { worker, ring, wakeFd, waiting: [], backlog: [] };
	}
}
