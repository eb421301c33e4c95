/** One TCP connection in the data loop: non-blocking, bytes in, bytes out, ended by a stuck peer. Silence is for who speaks over it. */
import { errno, errnoName, poll } from "../errno.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import type { System } from "../system.ts";

export interface ConnectionEvents {
	/** A copy of what came; it may be kept. */
	received(bytes: Buffer): void;
	/** Exactly once, never from inside `send`. The descriptor is closed already. */
	ended(why: string): void;
}

const readBytes = 512 * 1024;
const readBuffer = Buffer.allocUnsafe(readBytes);

export class Connection {
	readonly #loop: DataLoop;
	readonly #system: System;
	readonly #fd: number;
	readonly #sendTimeoutMs: number;
	#events: ConnectionEvents;
	#queue: Buffer[] = [];
	#queuedBytes = 0;
	#ended = false;
	#movedMs: number;
	#check: Cancel;
	readonly #attempt: Cancel;

	/** @param sendTimeoutMs so long without a byte taken by the network although some wait: the peer is gone. */
	constructor(loop: DataLoop, system: System, fd: number, sendTimeoutMs: number, events: ConnectionEvents) {
		this.#loop = loop;
		this.#system = system;
		this.#fd = fd;
		this.#sendTimeoutMs = sendTimeoutMs;
		this.#events = events;
		this.#movedMs = loop.now();
		this.#check = this.#arm();
		this.#watch();
		this.#attempt = loop.attempt(() => this.#read());
	}

	/** The handshake hands the connection over to the session. */
	handOver(events: ConnectionEvents): void {
		this.#events = events;
	}

	/** Bytes that the network has not taken yet. */
	get queuedBytes(): number {
		return this.#queuedBytes;
	}

	get open(): boolean {
		return !this.#ended;
	}

	/** Queues the pieces and sends what the network takes. The caller bounds what it queues. */
	send(pieces: readonly Buffer[]): void {
		if (this.#ended) return;
		if (this.#queuedBytes === 0) this.#movedMs = this.#loop.now();
		for (const piece of pieces) {
			this.#queue.push(piece);
			this.#queuedBytes += piece.length;
		}
		this.#push();
	}

	/** Closes without telling the events. */
	close(): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#check.cancel();
		this.#attempt.cancel();
		this.#loop.unwatch(this.#fd);
		this.#system.close(this.#fd);
		this.#queue = [];
		this.#queuedBytes = 0;
	}

	/** Ends it as if the network had: `ended` is called in the next round. */
	fail(why: string): void {
		if (this.#ended) return;
		this.close();
		this.#loop.post(() => this.#events.ended(why));
	}

	#watch(): void {
		const events = poll.IN | (this.#queue.length > 0 ? poll.OUT : 0);
		this.#loop.watch(this.#fd, events, (revents) => this.#ready(revents));
	}

	#ready(revents: number): void {
		if ((revents & poll.OUT) !== 0) this.#push();
		if (this.#ended) return;
		if ((revents & poll.IN) !== 0) this.#read();
		else if ((revents & (poll.ERR | poll.HUP)) !== 0) this.fail("the connection was reset");
	}

	/** False: nothing has come. */
	#read(): boolean {
		const got = this.#system.recv(this.#fd, readBuffer);
		if (got === -errno.EAGAIN || got === -errno.EINTR) return false;
		if (got > 0) {
			this.#events.received(Buffer.from(readBuffer.subarray(0, got)));
		} else if (got === 0) this.fail("the other side closed the connection");
		else this.fail(`receiving failed: ${errnoName(got)}`);
		return true;
	}

	#push() {
		const waited = this.#queue.length > 0;
		while (this.#queue.length > 0) {
			const piece = this.#queue[0]!;
			const sent = this.#system.send(this.#fd, piece);
			if (sent < 0) {
				if (sent !== -errno.EAGAIN && sent !== -errno.EINTR) return this.fail(`sending failed: ${errnoName(sent)}`);
				break;
			}
			this.#movedMs = this.#loop.now();
			this.#queuedBytes -= sent;
			if (sent === piece.length) this.#queue.shift();
			else this.#queue[0] = piece.subarray(sent);
		}
		if (waited) this.#watch();
	}

	#arm(): Cancel {
		const sendTimeoutMs = this.#sendTimeoutMs;
		const every = Math.max(20, sendTimeoutMs / 8);
		return this.#loop.timer(every, () => {
			if (this.#queuedBytes > 0 && this.#loop.now() - this.#movedMs > sendTimeoutMs)
				this.fail(`sending was stuck for ${sendTimeoutMs} ms`);
			else this.#check = this.#arm();
		});
	}
}
