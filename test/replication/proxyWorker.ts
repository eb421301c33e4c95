/** Worker thread of a test: a TCP proxy in the way, with the faults that a network has. */
import { connect, createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { NetworkFault } from "./proxy.ts";

const { target } = workerData as { target: number };
/** On its way in one direction. What is lost TCP sends again: it comes late, and what follows waits for it. */
const retransmitMs = 200;
const segmentBytes = 1448;
/** From the end: in a packet that carries a write, a byte of what was written. */
const alteredByte = 20;
let refuses = false;
let [needle, seen] = ["", false];
let fault: NetworkFault = {};
const ways = new Set<Way>();

class Way {
	readonly #from: Socket;
	readonly #to: Socket;
	readonly #forth: boolean;
	#queue: { chunk: Buffer; atMs: number }[] = [];
	#timer: NodeJS.Timeout | null = null;
	#lastMs = 0;

	constructor(from: Socket, to: Socket, forth: boolean) {
		[this.#from, this.#to, this.#forth] = [from, to, forth];
		ways.add(this);
		from.setNoDelay(true);
		from.on("data", (chunk: Buffer) => this.#take(chunk));
		from.on("error", () => to.destroy());
		from.on("close", () => {
			ways.delete(this);
			if (this.#timer !== null) clearTimeout(this.#timer);
			to.destroy();
		});
		this.changed();
	}

	reset(): void {
		this.#from.resetAndDestroy();
	}

	/** The fault is another one now. */
	changed(): void {
		if (this.#stopped) this.#from.pause();
		else this.#from.resume();
		this.#flow();
	}

	get #stopped(): boolean {
		return fault.stop === "both" || fault.stop === (this.#forth ? "there" : "back");
	}

	#take(chunk: Buffer): void {
		seen ||= needle !== "" && chunk.includes(needle);
		for (const each of this.#tampered(chunk)) this.#delay(each);
		this.#flow();
	}

	/** What somebody on the way makes of it. */
	#tampered(chunk: Buffer): Buffer[] {
		const { alter, replay } = fault;
		const way = this.#forth ? "there" : "back";
		if (alter?.way === way && chunk.length >= alter.atLeast) {
			delete fault.alter;
			chunk[chunk.length - alteredByte]! ^= 1;
		}
		// When little travels, what comes at once is one packet.
		const whole = chunk.length > 4 && chunk.readUInt32BE(0) === chunk.length - 4;
		if (replay !== way || !whole) return [chunk];
		delete fault.replay;
		return [chunk, Buffer.from(chunk)];
	}

	#delay(chunk: Buffer): void {
		const { delayMs = 0, loss = 0 } = fault;
		let atMs = performance.now() + delayMs;
		for (let at = 0; at < chunk.length; at += segmentBytes) if (Math.random() < loss) atMs += retransmitMs;
		// In order: nothing overtakes what is late. A network does not hold more than a few megabytes.
		this.#lastMs = Math.min(Math.max(this.#lastMs, atMs), performance.now() + delayMs + 10 * retransmitMs);
		this.#queue.push({ chunk, atMs: this.#lastMs });
	}

	#flow(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		if (this.#stopped) return;
		while (this.#queue.length > 0 && this.#queue[0]!.atMs <= performance.now())
			this.#to.write(this.#queue.shift()!.chunk);
		const [next] = this.#queue;
		if (next !== undefined) this.#timer = setTimeout(() => this.#flow(), Math.max(1, next.atMs - performance.now()));
	}
}

const server = createServer((socket) => {
	if (refuses) {
		socket.resetAndDestroy();
		return;
	}
	if (fault.swallow === true) {
		// Accepted by somebody who never answers.
		socket.on("data", () => {});
		socket.on("error", () => {});
		return;
	}
	const other = connect(target, "127.0.0.1");
	new Way(socket, other, true);
	new Way(other, socket, false);
});
server.listen(0, "127.0.0.1", () => parentPort!.postMessage((server.address() as { port: number }).port));

parentPort!.on("message", (command: "cut" | "mend" | "seen?" | { watchFor: string } | NetworkFault) => {
	if (command === "cut") {
		refuses = true;
		for (const way of [...ways]) way.reset();
	} else if (command === "mend") refuses = false;
	else if (command === "seen?") parentPort!.postMessage(seen);
	else if ("watchFor" in command) needle = command.watchFor;
	else {
		fault = command;
		for (const way of ways) way.changed();
	}
});
