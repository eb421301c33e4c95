/** One TCP connection in the data loop: non-blocking, bytes in, bytes out, ended by a stuck peer. Silence is for who speaks over it. */
import { errno, errnoName, poll } from "../errno.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import type { System } from "../system.ts";
import { keep, passed, passing } from "../wire/passing.ts";

export interface ConnectionEvents {
	/** What came; it may be kept, and changed. Given back (wire/passing.ts) its memory is used again. */
	received(bytes: Buffer): void;
	/** Exactly once, never from inside `send`. The descriptor is closed already. */
	ended(why: string): void;
}

/** Of several large packets: one that goes over its end has to be put together. */
const roomBytes = 2 << 20;
/** Less is not worth a call of the system. */
const leastRoomBytes = 128 * 1024;
/** Read from a connection that is broken, in pieces of the room above. */
const lastWords = 64;

export class Connection {
	readonly #loop: DataLoop;
	readonly #system: System;
	readonly #fd: number;
	readonly #sendTimeoutMs: number;
	#events: ConnectionEvents;
	#queue: Buffer[] = [];
	#queuedBytes = 0;
	#ended = false;
	/** Nothing can be sent any more. */
	#broken = false;
	/** Received bytes go one after another into pieces of memory that nobody else uses. */
	#room: Buffer = Buffer.alloc(0);
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
		this.#attempt = loop.attempt(() => this.#read(), true);
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

	/** Sends what the network takes, and keeps a copy of the rest. The caller bounds what it queues. */
	send(pieces: readonly Buffer[]): void {
		if (this.#ended || this.#broken) return;
		if (this.#queuedBytes === 0) this.#movedMs = this.#loop.now();
		const waited = this.#queue.length > 0;
		for (const piece of pieces) {
			const sent = this.#queue.length > 0 ? 0 : this.#offer(piece);
			if (this.#broken) return;
			if (sent === piece.length) continue;
			const rest = passing(piece.length - sent);
			piece.copy(rest, 0, sent);
			this.#queue.push(rest);
			this.#queuedBytes += rest.length;
		}
		if (!waited && this.#queue.length > 0) this.#watch();
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
		if (this.#room.length < leastRoomBytes) {
			passed(this.#room);
			this.#room = passing(roomBytes);
		}
		const got = this.#system.recv(this.#fd, this.#room);
		if (got === -errno.EAGAIN || got === -errno.EINTR) return false;
		if (got > 0) {
			const bytes = this.#room.subarray(0, got);
			this.#room = this.#room.subarray(got);
			keep(bytes);
			this.#events.received(bytes);
		} else if (got === 0) this.fail("the other side closed the connection");
		else this.fail(`receiving failed: ${errnoName(got)}`);
		return true;
	}

	/** The network has room again. */
	#push(): void {
		while (this.#queue.length > 0) {
			const piece = this.#queue[0]!;
			const sent = this.#offer(piece);
			if (this.#broken) return;
			this.#queuedBytes -= sent;
			if (sent < piece.length) {
				this.#queue[0] = piece.subarray(sent);
				return;
			}
			passed(this.#queue.shift()!);
		}
		this.#watch();
	}

	/** Bytes that the network took, fewer than all when it is full or broken. */
	#offer(piece: Buffer): number {
		for (let at = 0; at < piece.length; ) {
			const sent = this.#system.send(this.#fd, at === 0 ? piece : piece.subarray(at));
			if (sent < 0) {
				if (sent !== -errno.EAGAIN && sent !== -errno.EINTR) this.#break(`sending failed: ${errnoName(sent)}`);
				return at;
			}
			this.#movedMs = this.#loop.now();
			at += sent;
		}
		return piece.length;
	}

	/** What the other side said last may be here already, and say why. */
	#break(why: string): void {
		if (this.#broken) return;
		this.#broken = true;
		this.#loop.post(() => {
			for (let turn = 0; turn < lastWords && !this.#ended && this.#read(); turn++);
			this.fail(why);
		});
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
