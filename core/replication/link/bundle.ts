/**
 * Several TCP connections as one (`nbremconn`, spec/06 §2): over a long way each of them carries only a window of bytes
 * at a time. What is sent is numbered, goes out over the connection that has most room, and is put in order again on
 * the other side. They live and die together.
 */
import type { DataLoop } from "../loop/dataLoop.ts";
import { maxPacket, windowBytes } from "../wire/limits.ts";
import { keep } from "../wire/passing.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";

/** What a channel speaks over: one connection, or several. */
export type Carrier = Pick<Connection, "open" | "queuedBytes" | "handOver" | "send" | "close" | "fail">;

/** `u32 length | u48 number`. */
const headBytes = 10;
/** A packet and what seals it. */
const maxChunk = maxPacket + 1024;
/** So much is sent over one connection before the next one has its turn, unless it is full earlier. */
const turnBytes = 64 * 1024;
/** Received before what comes first; the sender's own limits keep it well below. */
const maxEarlyBytes = 2 * windowBytes + (64 << 20);

export class Bundle implements Carrier {
	readonly #loop: DataLoop;
	readonly #connections: readonly Connection[];
	#events: ConnectionEvents = { received: () => {}, ended: () => {} };
	#current = 0;
	#turnBytes = 0;
	#sent = 0;
	#next = 0;
	readonly #early = new Map<number, Buffer>();
	#earlyBytes = 0;
	#over = false;

	/** @param connections that both sides have in the same number, none of which has carried anything of it yet. */
	constructor(loop: DataLoop, connections: readonly Connection[]) {
		this.#loop = loop;
		this.#connections = connections;
		for (const connection of connections) {
			const chunks = new Chunks();
			connection.handOver({
				received: (bytes) => this.#received(chunks, bytes),
				ended: (why) => this.#ended(why),
			});
		}
	}

	handOver(events: ConnectionEvents): void {
		this.#events = events;
	}

	get open(): boolean {
		return !this.#over && this.#connections.every(({ open }) => open);
	}

	get queuedBytes(): number {
		return this.#connections.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
	}

	send(pieces: readonly Buffer[]): void {
		const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
		const head = Buffer.allocUnsafe(headBytes);
		head.writeUInt32BE(length);
		head.writeUIntBE(this.#sent++, 4, 6);
		this.#choose(length).send([head, ...pieces]);
	}

	close(): void {
		this.#over = true;
		for (const connection of this.#connections) connection.close();
		this.#early.clear();
	}

	fail(why: string): void {
		if (this.#over) return;
		this.close();
		this.#loop.post(() => this.#events.ended(why));
	}

	/** Small packets stay on one connection: a second one would only wake the other side once more. */
	#choose(length: number): Connection {
		const current = this.#connections[this.#current]!;
		this.#turnBytes += length;
		if (this.#turnBytes <= turnBytes && current.queuedBytes === 0) return current;
		this.#turnBytes = length;
		const count = this.#connections.length;
		let best = (this.#current + 1) % count;
		for (let step = 2; step <= count; step++) {
			const index = (this.#current + step) % count;
			if (this.#connections[index]!.queuedBytes < this.#connections[best]!.queuedBytes) best = index;
		}
		this.#current = best;
		return this.#connections[best]!;
	}

	#received(chunks: Chunks, bytes: Buffer): void {
		for (const { number, content } of chunks.push(bytes)) {
			if (number < this.#next || this.#early.has(number)) {
				this.fail("a number that came twice");
				return;
			}
			this.#early.set(number, content);
			this.#earlyBytes += content.length;
		}
		if (chunks.broken || this.#earlyBytes > maxEarlyBytes) this.fail("what arrives cannot be put in order");
		for (let content = this.#early.get(this.#next); content !== undefined; content = this.#early.get(this.#next)) {
			if (this.#over) return;
			this.#early.delete(this.#next++);
			this.#earlyBytes -= content.length;
			keep(content);
			this.#events.received(content);
		}
	}

	#ended(why: string): void {
		if (this.#over) return;
		this.close();
		this.#events.ended(why);
	}
}

/** Cuts what one connection brings. */
class Chunks {
	#kept: Buffer[] = [];
	#keptBytes = 0;
	/** Of the first chunk that is not complete, with its head; 0: not known yet. */
	#wanted = 0;
	broken = false;

	push(bytes: Buffer): { number: number; content: Buffer }[] {
		this.#kept.push(bytes);
		this.#keptBytes += bytes.length;
		const complete: { number: number; content: Buffer }[] = [];
		while (this.#keptBytes >= Math.max(headBytes, this.#wanted)) {
			if (this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept)];
			const all = this.#kept[0]!;
			this.#wanted = headBytes + all.readUInt32BE(0);
			if (this.#wanted > headBytes + maxChunk) {
				this.broken = true;
				return complete;
			}
			if (this.#keptBytes < this.#wanted) break;
			complete.push({ number: all.readUIntBE(4, 6), content: all.subarray(headBytes, this.#wanted) });
			this.#kept = [all.subarray(this.#wanted)];
			this.#keptBytes -= this.#wanted;
			this.#wanted = 0;
		}
		return complete;
	}
}
