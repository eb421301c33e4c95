/**
 * Threads for reads of what is not in memory: the data thread serves everything, so it must not wait for a disk. One is
 * there from the start; there are more once reads wait for one another.
 */
import type { System } from "../system.ts";
import type { DataLoop } from "./dataLoop.ts";
import type { SyncerJob } from "./syncerJob.ts";
import { Syncers } from "./syncers.ts";

/** Each takes some 12 MB, 25 without a compile cache. */
const most = 4;

interface Reader {
	thread: Syncers;
	isReady: boolean;
}

export class Readers {
	readonly #loop: DataLoop;
	readonly #system: System;
	readonly #readers: Reader[] = [];

	/** Must be created in the data thread. */
	constructor(loop: DataLoop, system: System) {
		this.#loop = loop;
		this.#system = system;
		this.#start();
	}

	/** Threads that run. */
	get threads(): number {
		return this.#readers.filter(({ isReady }) => isReady).length;
	}

	/**
	 * Hands a read over; `done` is called in the data thread. How many wait is bounded by what the kernel sends. False:
	 * no thread runs yet.
	 */
	run(job: Extract<SyncerJob, { do: "read" }>, done: (result: number) => void): boolean {
		const ready = this.#readers.filter(({ isReady }) => isReady);
		const [first] = ready;
		if (first === undefined) return false;
		const { thread } = ready.reduce((a, b) => (b.thread.pending < a.thread.pending ? b : a));
		if (thread.pending > 0 && ready.length === this.#readers.length && ready.length < most) this.#start();
		thread.run(job, done);
		return true;
	}

	stop(): void {
		for (const { thread } of this.#readers.splice(0)) thread.stop();
	}

	/** It takes a tenth of a second or more until it runs. */
	#start(): void {
		const reader = { thread: new Syncers(this.#loop, this.#system, 1), isReady: false };
		this.#readers.push(reader);
		reader.thread.run({ do: "nothing" }, () => {
			reader.isReady = true;
		});
	}
}
