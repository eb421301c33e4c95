/**
 * Messages over a pipe between two processes: a length of four bytes, then a JSON list of those that were sent in one
 * turn of the loop. Both sides are held to limits.
 */
import type { Duplex } from "node:stream";
import { processLimits } from "./limits.ts";

export interface ChannelOptions {
	/** A message as it came; what it says has still to be judged. */
	heard(message: unknown): void;
	/** The other side broke the rules, or takes nothing any more. Called once; the channel is closed then. */
	broken(why: string): void;
}

const headBytes = 4;
/** Characters in one list; more go out in several. */
const together = 1024 * 1024;

export class Channel {
	readonly #stream: Duplex;
	readonly #options: ChannelOptions;
	#parts: Buffer[] = [];
	#size = 0;
	#outbox: string[] = [];
	#waiting = 0;
	#closed = false;

	constructor(stream: Duplex, options: ChannelOptions) {
		this.#stream = stream;
		this.#options = options;
		stream.on("data", (chunk: Buffer) => this.#take(chunk));
		// That the other side is gone is told by whoever watches the process.
		stream.on("error", () => this.close());
	}

	/** What is sent in one turn of the loop goes out in one piece, and wakes the other side once. */
	send(message: unknown): void {
		if (this.#closed) return;
		const text = JSON.stringify(message);
		if (this.#outbox.length === 0) setImmediate(() => this.#flush());
		else if (this.#waiting + text.length > together) this.#flush();
		this.#outbox.push(text);
		this.#waiting += text.length;
	}

	close(): void {
		this.#closed = true;
		this.#outbox = [];
		this.#parts = [];
		this.#stream.destroy();
	}

	#flush(): void {
		if (this.#closed || this.#outbox.length === 0) return;
		const list = `[${this.#outbox.join(",")}]`;
		[this.#outbox, this.#waiting] = [[], 0];
		const length = Buffer.byteLength(list);
		if (length > processLimits.message) {
			this.#break(`a message of ${length} bytes is too long`);
			return;
		}
		const frame = Buffer.allocUnsafe(headBytes + length);
		frame.writeUInt32BE(length);
		frame.write(list, headBytes, "utf8");
		this.#stream.write(frame);
		if (this.#stream.writableLength > processLimits.waiting) this.#break("it takes no messages any more");
	}

	#take(chunk: Buffer): void {
		this.#parts.push(chunk);
		this.#size += chunk.length;
		while (!this.#closed && this.#size >= headBytes) {
			const [first] = this.#parts as [Buffer];
			const head = first.length >= headBytes ? first : this.#whole();
			const length = head.readUInt32BE(0);
			if (length > processLimits.message) {
				this.#break(`it announced a message of ${length} bytes`);
				return;
			}
			if (this.#size < headBytes + length) return;
			const all = this.#whole();
			const rest = all.subarray(headBytes + length);
			this.#parts = rest.length === 0 ? [] : [rest];
			this.#size = rest.length;
			this.#hear(all.subarray(headBytes, headBytes + length));
		}
	}

	#whole(): Buffer {
		const whole = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
		this.#parts = [whole];
		return whole;
	}

	#hear(body: Buffer): void {
		let list: unknown;
		try {
			list = JSON.parse(body.toString("utf8"));
		} catch {}
		if (!Array.isArray(list)) {
			this.#break("it sent something that is no list of messages");
			return;
		}
		for (const message of list) if (!this.#closed) this.#options.heard(message);
	}

	#break(why: string): void {
		if (this.#closed) return;
		this.close();
		this.#options.broken(why);
	}
}
