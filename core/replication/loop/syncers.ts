/** The data thread's side of the syncer threads. */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { System } from "../system.ts";
import type { DataLoop } from "./dataLoop.ts";
import { receive } from "./mailbox.ts";
import type { SyncerJob } from "./syncerJob.ts";

interface Thread {
	worker: Worker;
	port: MessagePort;
	wakeFd: number;
	waiting: Map<number, (result: number) => void>;
}

export class Syncers {
	readonly #loop: DataLoop;
	readonly #system: System;
	readonly #threads: Thread[];
	#lastId = 0;

	/** Starts the threads. Must be created in the data thread, before `loop.run`. */
	constructor(loop: DataLoop, system: System, count = 2) {
		this.#loop = loop;
		this.#system = system;
		this.#threads = Array.from({ length: count }, () => this.#start());
	}

	/** Runs `job` in the thread with the fewest jobs; `done` is called in the data thread with 0 or −errno. */
	run(job: SyncerJob, done: (result: number) => void): void {
		const id = ++this.#lastId;
		const thread = this.#threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
		thread.waiting.set(id, done);
		thread.port.postMessage({ id, job });
	}

	/** Jobs that have not ended. */
	get pending(): number {
		return this.#threads.reduce((sum, thread) => sum + thread.waiting.size, 0);
	}

	/** Ends the threads; jobs that have not ended are forgotten. */
	stop(): void {
		for (const thread of this.#threads.splice(0)) {
			this.#loop.unwatch(thread.wakeFd);
			thread.port.close();
			void thread.worker.terminate();
			this.#system.close(thread.wakeFd);
		}
	}

	#start(): Thread {
		const { port1, port2 } = new MessageChannel();
		const wakeFd = this.#system.eventfd();
		const worker = new Worker(new URL("./syncer.ts", import.meta.url), {
			workerData: { port: port2, wakeFd },
			transferList: [port2],
			execArgv: [],
		});
		const thread: Thread = { worker, port: port1, wakeFd, waiting: new Map() };
		receive(this.#loop, this.#system, port1, wakeFd, ({ id, result }: { id: number; result: number }) => {
			const done = thread.waiting.get(id);
			thread.waiting.delete(id);
			done?.(result);
		});
		return thread;
	}
}
