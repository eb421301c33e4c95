/** /dev/fuse: requests in, replies out, in the data thread. */
import { at, errno, open, poll } from "../errno.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import type { System } from "../system.ts";
import { outHeaderSize, requestBufferSize, writeReplyHeader } from "./protocol.ts";

/** Requests read in one go, so that the peer link gets its turn. */
const batch = 32;
const notifyResend = 7;

export class FuseDevice {
	readonly fd: number;
	readonly #system: System;
	readonly #loop: DataLoop;
	readonly #request = Buffer.alloc(requestBufferSize);
	#attempt: Cancel | null = null;
	#closed = false;
	/** A reply is built here: header, then what a READ or READDIR fills in. */
	readonly reply = Buffer.alloc(requestBufferSize);

	/** Told of every request that was answered. */
	onAnswered: (unique: bigint) => void = () => {};

	/** @param adopted the connection of a server that died. `fd` < 0: −errno of opening the device. */
	constructor(system: System, loop: DataLoop, adopted?: number) {
		this.#system = system;
		this.#loop = loop;
		this.fd = adopted ?? system.openat(at.FDCWD, "/dev/fuse", open.RDWR | open.NONBLOCK | open.CLOEXEC);
		// Memory that is not there yet would fail under a process that is killed while the kernel fills it.
		this.#request.fill(1);
	}

	/** Asks for every request again that was read and not answered (NOTIFY_RESEND). */
	askAgain(): number {
		const bytes = Buffer.alloc(outHeaderSize);
		bytes.writeUInt32LE(outHeaderSize, 0);
		bytes.writeInt32LE(notifyResend, 4);
		return this.#system.write(this.fd, bytes);
	}

	/** Calls `onRequest` for each request (a view, valid until it returns), and `onEnd` once the connection has ended. */
	listen(onRequest: (raw: Buffer) => void, onEnd: () => void): void {
		const take = (): boolean => this.#take(onRequest, onEnd);
		this.#loop.watch(this.fd, poll.IN, take);
		this.#attempt = this.#loop.attempt(take, true);
	}

	/** Requests that are there already, a bounded number: the peer link must get its turn. */
	#take(onRequest: (raw: Buffer) => void, onEnd: () => void): boolean {
		for (let count = 0; count < batch; count++) {
			const length = this.#system.read(this.fd, this.#request);
			if (length > 0) {
				onRequest(this.#request.subarray(0, length));
			} else if (length === -errno.ENODEV || length === -errno.ECONNABORTED) {
				onEnd();
				return true;
			} else if (length !== -errno.EINTR && length !== -errno.ENOENT) {
				return count > 0;
			}
		}
		return true;
	}

	/** An error (positive errno), or 0 with nothing more to say. */
	answer(unique: bigint, error: number): void {
		this.#send(unique, -error, outHeaderSize);
	}

	answerWith(unique: bigint, body: Buffer): void {
		body.copy(this.reply, outHeaderSize);
		this.#send(unique, 0, outHeaderSize + body.length);
	}

	/** With the `length` bytes that were put into `reply` behind the header. */
	answerInPlace(unique: bigint, length: number): void {
		this.#send(unique, 0, outHeaderSize + length);
	}

	/** The connection is gone, and its descriptor may mean something else. */
	get closed(): boolean {
		return this.#closed;
	}

	close(): void {
		this.#closed = true;
		this.#attempt?.cancel();
		this.#loop.unwatch(this.fd);
		this.#system.close(this.fd);
	}

	/** What the kernel does not take belongs to a request that was aborted: there is nobody to tell. */
	#send(unique: bigint, error: number, length: number): void {
		writeReplyHeader(this.reply, unique, error, length);
		this.#system.write(this.fd, this.reply.subarray(0, length));
		this.onAnswered(unique);
	}
}
