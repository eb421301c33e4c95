/** Sealed messages over one connection: what both sides speak once the handshake is done. */
import { asSafekitError } from "../../errors.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import type { MakeGcm } from "../wire/gcm.ts";
import { maxMessage } from "../wire/limits.ts";
import { decodeMessage, encodeMessage, type Message } from "../wire/messages.ts";
import { Opener, Sealer } from "../wire/packets.ts";
import { keep, passed } from "../wire/passing.ts";
import type { Carrier } from "./bundle.ts";

export interface ChannelEvents {
	received(message: Message, bytes: number): void;
	/** Exactly once; nothing comes after it. `refused`: for what came, which the other side cannot have sent so. */
	ended(why: string, refused: boolean): void;
}

/** Kinds of message of which nothing lies where it was received once it is decoded. */
const holdsNothing: ReadonlySet<Message["is"]> = new Set(["pulse", "echo", "received", "synced"]);

const usualPulseMs = 1000;

/** For the log, on the side that noticed: a network that alters what it carries, or somebody who does. */
export function refusedText(why: string): string {
	return `Data on the replication link was refused, it was altered, replayed or is damaged: ${why}`;
}

export class Channel {
	readonly #loop: DataLoop;
	readonly #connection: Carrier;
	readonly #sealer: Sealer;
	readonly #opener: Opener;
	#events: ChannelEvents;
	#batch: Buffer[] = [];
	/** Those of the batch that nobody needs once it has left. */
	#once: Buffer[] = [];
	#batchBytes = 0;
	#flushing = false;
	#refused = false;
	#pulse: Cancel;
	#deadline: Cancel;
	/** When the last pulse was sent whose echo has come. */
	#echoedMs: number;
	readonly #silenceMs: number;

	/** @param keys null: not encrypted. @param silenceMs a pulse must be echoed within this, or the link counts as dead (on both sides alike). */
	constructor(
		loop: DataLoop,
		connection: Carrier,
		keys: { sends: Buffer; receives: Buffer; make: MakeGcm } | null,
		silenceMs: number,
		events: ChannelEvents,
	) {
		this.#loop = loop;
		this.#connection = connection;
		this.#sealer = new Sealer(keys && { key: keys.sends, make: keys.make });
		this.#opener = new Opener(keys && { key: keys.receives, make: keys.make });
		this.#events = events;
		connection.handOver({
			received: (bytes) => this.#received(bytes),
			ended: (why) => this.#ended(why),
		});
		this.#silenceMs = silenceMs;
		this.#echoedMs = loop.now();
		this.#pulse = this.#armPulse(Math.max(10, Math.min(usualPulseMs, silenceMs / 5)));
		this.#deadline = this.#armDeadline();
	}

	get open(): boolean {
		return this.#connection.open;
	}

	/** Bytes that wait here or in the connection. */
	get queuedBytes(): number {
		return this.#batchBytes + this.#connection.queuedBytes;
	}

	handOver(events: ChannelEvents): void {
		this.#events = events;
	}

	/** A first frame, for which the target of a handshake waits. */
	greet(): void {
		this.#sendNow({ is: "pulse", at: Math.floor(this.#loop.now()) });
	}

	/** Bytes that came together with the end of the handshake. */
	start(rest: Buffer): void {
		if (rest.length === 0) return;
		// Whoever shook hands may still look at it.
		keep(rest);
		this.#received(rest);
	}

	/** Returns the bytes of the message. */
	send(message: Message): number {
		const bytes = encodeMessage(message);
		this.sendEncoded(bytes);
		if (this.#connection.open) this.#once.push(bytes);
		return bytes.length;
	}

	/**
	 * Queues an encoded message, which remains the caller's; everything queued in one round of the loop leaves in as few
	 * packets as fit. `isUrgent`: it leaves now, with what is queued (a sync: the other disk begins while this one does).
	 */
	sendEncoded(message: Buffer, isUrgent = false): void {
		if (!this.#connection.open) return;
		if (this.#batchBytes + message.length > maxMessage) this.flush();
		this.#batch.push(message);
		this.#batchBytes += message.length;
		if (isUrgent) this.flush();
		if (isUrgent || this.#flushing) return;
		this.#flushing = true;
		this.#loop.post(() => {
			this.#flushing = false;
			this.flush();
		});
	}

	flush(): void {
		if (this.#batch.length === 0) return;
		const batch = this.#batch;
		this.#batch = [];
		this.#batchBytes = 0;
		this.#connection.send([this.#sealer.seal(batch)]);
		for (const bytes of this.#once.splice(0)) passed(bytes);
	}

	/** Ends on purpose: what waits is offered to the network once more, `ended` is not called. */
	close(): void {
		this.flush();
		this.#pulse.cancel();
		this.#deadline.cancel();
		this.#connection.close();
	}

	fail(why: string): void {
		this.#connection.fail(why);
	}

	#received(bytes: Buffer): void {
		try {
			for (const packet of this.#opener.push(bytes)) {
				if (!this.#connection.open) return;
				const message = decodeMessage(packet);
				if (message.is === "echo") this.#echoedMs = Math.max(this.#echoedMs, message.at);
				else if (message.is === "pulse") this.#sendNow({ is: "echo", at: message.at });
				else this.#events.received(message, packet.length);
				if (holdsNothing.has(message.is)) passed(packet);
			}
		} catch (error) {
			const known = asSafekitError(error);
			if (known.code !== "REPLICATION_WIRE") throw error;
			this.#refused = true;
			this.fail(known.message);
		}
	}

	#ended(why: string): void {
		this.#pulse.cancel();
		this.#deadline.cancel();
		this.#events.ended(why, this.#refused);
	}

	#sendNow(message: Message): void {
		this.send(message);
		this.flush();
	}

	#armPulse(everyMs: number): Cancel {
		const send = (): void => this.#sendNow({ is: "pulse", at: Math.floor(this.#loop.now()) });
		if (everyMs === usualPulseMs) return this.#loop.everySecond(send);
		return this.#loop.timer(everyMs, () => {
			send();
			this.#pulse = this.#armPulse(everyMs);
		});
	}

	#armDeadline(): Cancel {
		return this.#loop.timer(Math.max(1, this.#echoedMs + this.#silenceMs - this.#loop.now()), () => {
			if (this.#loop.now() < this.#echoedMs + this.#silenceMs) this.#deadline = this.#armDeadline();
			else this.fail(`the other side has not answered for ${this.#silenceMs} ms`);
		});
	}
}
