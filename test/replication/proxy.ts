/** A TCP proxy between two replication processes, in a thread of its own: a test may block in a write meanwhile. */
import { Worker } from "node:worker_threads";

/** What is wrong with the network; nothing by default. */
export interface NetworkFault {
	/** Bytes stay where they are, as when a cable is drawn: from source to target, back, or both. */
	stop?: "there" | "back" | "both";
	delayMs?: number;
	/** Share of the segments that TCP has to send again, each 200 ms late. */
	loss?: number;
	/** New connections are accepted and never answered. */
	swallow?: boolean;
	/** Once: a byte near the end of the next so many bytes, or more, is another one. */
	alter?: { way: "there" | "back"; atLeast: number };
	/** Once: a whole packet is passed on twice. */
	replay?: "there" | "back";
}

export class TestProxy {
	readonly #worker: Worker;
	port = 0;

	constructor(target: number) {
		this.#worker = new Worker(new URL("./proxyWorker.ts", import.meta.url), { workerData: { target } });
	}

	async listen(): Promise<void> {
		this.port = await new Promise((resolve) => this.#worker.once("message", resolve));
	}

	/** Breaks the connections and refuses new ones until `mend`. */
	cut(): void {
		this.#worker.postMessage("cut");
	}

	mend(): void {
		this.#worker.postMessage("mend");
	}

	/** From now on, in place of what was. */
	set(fault: NetworkFault): void {
		this.#worker.postMessage(fault);
	}

	/** Bytes stay where they are, in both directions. */
	stall(stalls: boolean): void {
		this.set(stalls ? { stop: "both" } : {});
	}

	/** From now on looks for this text in what passes. */
	watchFor(text: string): void {
		this.#worker.postMessage({ watchFor: text });
	}

	/** Whether it has passed. */
	async seen(): Promise<boolean> {
		const answer = new Promise<boolean>((resolve) => this.#worker.once("message", resolve));
		this.#worker.postMessage("seen?");
		return await answer;
	}

	async close(): Promise<void> {
		await this.#worker.terminate();
	}
}
