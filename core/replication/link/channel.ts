/** Sealed messages over one connection: what both sides speak once the handshake is done. */
import { asSafekitError } from "../../errors.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import { maxMessage } from "../wire/limits.ts";
import { decodeMessage, encodeMessage, type Message } from "../wire/messages.ts";
import { Opener, Sealer } from "../wire/packets.ts";
import type { Connection } from "./connection.ts";

export interface ChannelEvents {
	received(message: Message, bytes: number): void;
	/** Exactly once; nothing comes after it. */
	ended(why: string): void;
}

export class Channel {
	readonly #loop: DataLoop;
	readonly #connection: Connection;
	readonly #sealer: Sealer;
	readonly #opener: Opener;
	#events: ChannelEvents;
	#batch: Buffer[] = [];
	#batchBytes = 0;
	#flushing = false;
	#pulse: Cancel;

	/** @param pulseMs so often something is sent although there is nothing to say. */
	constructor(
		loop: DataLoop,
		connection: Connection,
		keys: { sends: Buffer; receives: Buffer },
		pulseMs: number,
		events: ChannelEvents,
	) {
		this.#loop = loop;
		this.#connection = connection;
		this.#sealer = new Sealer(keys.sends);
		this.#opener = new Opener(keys.receives);
		this.#events = events;
		connection.handOver({
			received: (bytes) => this.#received(bytes),
			ended: (why) => this.#ended(why),
		});
		this.#pulse = this.#armPulse(pulseMs);
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

	/** Bytes that came together with the end of the handshake. */
	start(rest: Buffer): void {
		if (rest.length > 0) this.#received(rest);
	}

	send(message: Message): void {
		this.sendEncoded(encodeMessage(message));
	}

	/** Queues an encoded message; everything queued in one round of the loop leaves in as few packets as fit. */
	sendEncoded(message: Buffer): void {
		if (!this.#connection.open) return;
		if (this.#batchBytes + message.length > maxMessage) this.flush();
		this.#batch.push(message);
		this.#batchBytes += message.length;
		if (this.#flushing) return;
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
		this.#connection.send(this.#sealer.seal(batch));
	}

	pause(paused: boolean): void {
		this.#connection.pause(paused);
	}

	/** Ends on purpose: what waits is offered to the network once more, `ended` is not called. */
	close(): void {
		this.flush();
		this.#pulse.cancel();
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
				if (message.is !== "pulse") this.#events.received(message, packet.length);
			}
		} catch (error) {
			const known = asSafekitError(error);
			if (known.code !== "REPLICATION_WIRE") throw error;
			this.fail(known.message);
		}
	}

	#ended(why: string): void {
		this.#pulse.cancel();
		this.#events.ended(why);
	}

	#armPulse(everyMs: number): Cancel {
		return this.#loop.timer(everyMs, () => {
			this.send({ is: "pulse" });
			this.flush();
			this.#pulse = this.#armPulse(everyMs);
		});
	}
}
