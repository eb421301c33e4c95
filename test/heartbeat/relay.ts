/** Two nodes on loopback, and between them relays that can drop, keep and play back what passes. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Announcement } from "../../core/engine/contract.ts";
import type { FromHeart, HeartbeatModule, ToHeart } from "../../core/heartbeat/service.ts";

export class Relay {
	readonly #socket: Socket = createSocket("udp4");
	readonly #to: { addr: string; port: number };
	passing = true;
	readonly recorded: Buffer[] = [];

	constructor(to: string, port: number) {
		this.#to = { addr: to, port };
		this.#socket.on("message", (bytes) => {
			this.recorded.push(Buffer.from(bytes));
			if (this.passing) this.play(bytes);
		});
	}

	async listen(addr: string): Promise<void> {
		this.#socket.bind(this.#to.port, addr);
		await once(this.#socket, "listening");
	}

	play(bytes: Buffer): void {
		this.#socket.send(bytes, this.#to.port, this.#to.addr);
	}

	close(): void {
		this.#socket.close();
	}
}

export interface Lan {
	aToB: Relay;
	bToA: Relay;
	a: HeartbeatModule;
	b: HeartbeatModule;
}

const key = "5a".repeat(32);

/** Node a is 127.x.0.1 and sends to 127.x.0.3, which passes to b, 127.x.0.2; and 127.x.0.4 back. */
export async function lan(subnet: number, timeoutMs: number, timeoutBMs = timeoutMs): Promise<Lan> {
	const [addrA, addrB, toB, toA] = [1, 2, 3, 4].map((host) => `127.${subnet}.0.${host}`) as [
		string,
		string,
		string,
		string,
	];
	const port = 20_000 + (process.pid % 20_000);
	const aToB = new Relay(addrB, port);
	const bToA = new Relay(addrA, port);
	await aToB.listen(toB);
	await bToA.listen(toA);
	const common = { module: "m", id: 1, port, key };
	const path = { ident: "default", pulseMs: 700 };
	return {
		aToB,
		bToA,
		a: {
			...common,
			node: "a",
			peer: "b",
			paths: [{ ...path, localAddr: addrA, peerAddr: toB, timeoutMs }],
		},
		b: {
			...common,
			node: "b",
			peer: "a",
			paths: [{ ...path, localAddr: addrB, peerAddr: toA, timeoutMs: timeoutBMs }],
		},
	};
}

export const says = (main: Announcement["main"], more: Record<string, unknown> = {}): Announcement => ({
	main,
	status: "Ready",
	...more,
});

export function startOrder(module: HeartbeatModule, announcement = says("WAIT"), resources = {}): ToHeart {
	return { do: "start", module, announcement, resources };
}

/** Messages of a thread, kept; `until` waits for one that fits and came after the last one waited for (or ever). */
export class Inbox {
	readonly all: FromHeart[] = [];
	#seen = 0;
	#wake: () => void = () => undefined;

	readonly take = (message: FromHeart): void => {
		this.all.push(message);
		this.#wake();
	};

	async until(fits: (message: FromHeart) => boolean, withinMs = 20_000, ever = false): Promise<FromHeart> {
		const before = ever ? this.all.find(fits) : undefined;
		if (before !== undefined) return before;
		const end = performance.now() + withinMs;
		for (;;) {
			while (this.#seen < this.all.length) {
				const message = this.all[this.#seen++];
				if (message !== undefined && fits(message)) return message;
			}
			const leftMs = end - performance.now();
			if (leftMs <= 0) throw new Error(`nothing fits within ${withinMs} ms: ${JSON.stringify(this.all)}`);
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, leftMs);
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
	}

	get losses(): number {
		return this.all.filter((message) => message.is === "heartbeat" && !message.up).length;
	}
}

export const isUp = (message: FromHeart): boolean => message.is === "heartbeat" && message.up;
export const isDown = (message: FromHeart): boolean => message.is === "heartbeat" && !message.up;

/** The heartbeat thread, as the daemon starts it. */
export class HeartThread {
	readonly #worker = new Worker(new URL("../../core/heartbeat/worker.ts", import.meta.url));

	constructor(onMessage: (message: FromHeart) => void, onError: (error: unknown) => void) {
		this.#worker.on("message", onMessage);
		this.#worker.on("error", onError);
	}

	send(order: ToHeart): void {
		this.#worker.postMessage(order);
	}

	async close(): Promise<void> {
		await this.#worker.terminate();
	}
}
