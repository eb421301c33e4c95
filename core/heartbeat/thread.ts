/** Starts the heartbeat thread for the daemon, and starts it again should it ever end. */
import { Worker } from "node:worker_threads";
import { SafekitError } from "../errors.ts";
import { type FromHeart, maxAnnouncementBytes, type ToHeart } from "./service.ts";

const restartMs = 100;

export class HeartThread {
	readonly #onMessage: (message: FromHeart) => void;
	readonly #onDeath: (error: Error) => void;
	/** What runs, to be taken up by the next thread. */
	readonly #modules = new Map<string, Extract<ToHeart, { do: "start" }>>();
	#worker: Worker | null = null;
	#restart: NodeJS.Timeout | undefined;
	#closed = false;

	/** `onDeath`: the thread ended without being asked; it is started again after 100 ms. */
	constructor(onMessage: (message: FromHeart) => void, onDeath: (error: Error) => void) {
		this.#onMessage = onMessage;
		this.#onDeath = onDeath;
		this.#start();
	}

	#start(): void {
		const worker = new Worker(new URL("./worker.ts", import.meta.url), { name: "heartbeat" });
		this.#worker = worker;
		let failure = new Error("the heartbeat thread ended");
		worker.on("message", (message: FromHeart) => this.#onMessage(message));
		worker.on("error", (error) => {
			failure = error instanceof Error ? error : new Error(String(error));
		});
		worker.on("exit", () => {
			if (this.#closed) return;
			this.#worker = null;
			this.#onDeath(failure);
			this.#restart = setTimeout(() => this.#start(), restartMs);
		});
		for (const order of this.#modules.values()) worker.postMessage(order);
	}

	/** Gives an order to the thread. Throws INTERNAL for an announcement over 1000 bytes. */
	send(order: ToHeart): void {
		if (order.do !== "stop") {
			const bytes = Buffer.byteLength(JSON.stringify(order.announcement));
			if (bytes > maxAnnouncementBytes) throw new SafekitError("INTERNAL", `an announcement of ${bytes} bytes`);
		}
		if (order.do === "start") this.#modules.set(order.module.module, order);
		else if (order.do === "stop") this.#modules.delete(order.module);
		else {
			const started = this.#modules.get(order.module);
			if (started === undefined) return;
			const { announcement, resources } = order;
			this.#modules.set(order.module, { ...started, announcement, resources });
		}
		this.#worker?.postMessage(order);
	}

	/** Ends the thread; resolves when it is gone. Give `stop` orders 200 ms earlier if the peer should hear the last word. */
	async close(): Promise<void> {
		this.#closed = true;
		clearTimeout(this.#restart);
		await this.#worker?.terminate();
	}
}
