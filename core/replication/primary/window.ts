/** Operations that were sent and whose callers wait: kept until the peer has them, to be sent again after a break. */
import { messageCost, windowBytes } from "../wire/limits.ts";
import { passed } from "../wire/passing.ts";

export interface Unacknowledged {
	seq: number;
	/** The encoded message. */
	bytes: Buffer;
	/** Answered by `synced`, not by the cumulative acknowledgement. */
	isSync: boolean;
	acknowledge: (errno: number) => void;
	atMs: number;
}

export class Window {
	readonly #entries = new Map<number, Unacknowledged>();
	#bytes = 0;

	get size(): number {
		return this.#entries.size;
	}

	get full(): boolean {
		return this.#bytes >= windowBytes;
	}

	/** Half empty: parked requests may come again. */
	get roomy(): boolean {
		return this.#bytes < windowBytes / 2;
	}

	/** When the oldest of them was submitted, null: none waits. */
	get oldestMs(): number | null {
		for (const entry of this.#entries.values()) return entry.atMs;
		return null;
	}

	add(entry: Unacknowledged): void {
		this.#entries.set(entry.seq, entry);
		this.#bytes += entry.bytes.length + messageCost;
	}

	/** The peer has everything up to `seq`. */
	received(seq: number): void {
		for (const entry of this.#entries.values()) {
			if (entry.seq > seq) return;
			if (!entry.isSync) this.#passed(entry).acknowledge(0);
		}
	}

	synced(seq: number): void {
		const entry = this.#entries.get(seq);
		if (entry?.isSync) this.#passed(entry).acknowledge(0);
	}

	/** What must be sent again to a peer that has everything up to `seq`: syncs, whose answer may be lost, always. */
	after(seq: number): Unacknowledged[] {
		return [...this.#entries.values()].filter((entry) => entry.seq > seq || entry.isSync);
	}

	/** Answers all callers: 0 when this node goes on alone, an errno when it must not. */
	settle(errno: number): void {
		for (const entry of [...this.#entries.values()]) this.#take(entry).acknowledge(errno);
	}

	/** The peer has it, so it has left this side: nobody looks at its bytes any more. */
	#passed(entry: Unacknowledged): Unacknowledged {
		passed(entry.bytes);
		return this.#take(entry);
	}

	#take(entry: Unacknowledged): Unacknowledged {
		this.#entries.delete(entry.seq);
		this.#bytes -= entry.bytes.length + messageCost;
		return entry;
	}
}

/** Bytes of operations that nobody waits for, sent and not yet received. */
export class Unreceived {
	#sent: { seq: number; bytes: number }[] = [];
	#head = 0;
	bytes = 0;

	add(seq: number, bytes: number): void {
		this.#sent.push({ seq, bytes: bytes + messageCost });
		this.bytes += bytes + messageCost;
	}

	received(seq: number): void {
		for (; this.#head < this.#sent.length && this.#sent[this.#head]!.seq <= seq; this.#head++) {
			this.bytes -= this.#sent[this.#head]!.bytes;
		}
		if (this.#head < 1024 && this.#head < this.#sent.length) return;
		this.#sent = this.#sent.slice(this.#head);
		this.#head = 0;
	}

	clear(): void {
		this.#sent = [];
		this.#head = 0;
		this.bytes = 0;
	}
}
