/** Both directions of a conversation between two servers: lines of text, and signs of life between them. */
import type { Duplex } from "node:stream";
import { limits } from "./limits.ts";

const lineFeed = 0x0a;

/** Cuts what arrives into lines; blank ones are signs of life. */
export class Lines {
	#kept: Buffer[] = [];
	#keptBytes = 0;
	readonly #most: number;

	/** @param most bytes of a line. */
	constructor(most: number) {
		this.#most = most;
	}

	/** The complete lines. Throws a RangeError when one is too long. */
	push(bytes: Buffer): string[] {
		const lines: string[] = [];
		let from = 0;
		for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
			this.#keep(bytes.subarray(from, at));
			from = at + 1;
			if (this.#keptBytes > 0) lines.push(Buffer.concat(this.#kept).toString("utf8"));
			this.#kept = [];
			this.#keptBytes = 0;
		}
		this.#keep(bytes.subarray(from));
		return lines;
	}

	#keep(bytes: Buffer): void {
		if (bytes.length === 0) return;
		this.#keptBytes += bytes.length;
		if (this.#keptBytes > this.#most) throw new RangeError(`a line of more than ${this.#most} bytes`);
		this.#kept.push(bytes);
	}
}

/** Says regularly that this side is there. Returns the end. */
export function speak(socket: Duplex): () => void {
	const timer = setInterval(() => {
		if (socket.writable && socket.writableLength === 0) socket.write("\n");
	}, limits.aliveEveryMs);
	return () => clearInterval(timer);
}

/** Calls `silent` when the other side has not been heard for long. Returns the end. */
export function listen(socket: Duplex, silent: () => void): () => void {
	let missed = 0;
	// Twice half the time: after a standstill of this process there is time to read what has come meanwhile.
	const timer = setInterval(() => {
		missed++;
		if (missed > 2) silent();
	}, limits.silenceMs / 2);
	const hear = (): void => {
		missed = 0;
	};
	socket.on("data", hear);
	return () => {
		clearInterval(timer);
		socket.off("data", hear);
	};
}
