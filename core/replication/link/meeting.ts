/** The handshake over a connection (wire/handshake.ts), on either side, ended by a deadline. */
import { asSafekitError } from "../../errors.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import {
	connectionKeys,
	frame,
	frameJson,
	type Hello,
	mismatch,
	proof,
	readHello,
	readProof,
	sameProof,
	takeFrame,
} from "../wire/handshake.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import type { Connection } from "./connection.ts";

const deadlineMs = 5000;

export interface MeetingOptions {
	/** The module's replication key, 32 bytes. */
	key: Buffer;
	/** See Channel. */
	silenceMs: number;
	/** What this side says; the target sees the other's words first (unproven: they decide only what it answers). */
	hello(other: Hello | null): Hello;
	/** Both proofs are checked and both mean the same session. The events must be set by `channel.handOver`. */
	met(channel: Channel, other: Hello, own: Hello): void;
	/** `proven`: the other side has the key, but does not fit. */
	refused(why: string, proven: boolean): void;
}

const noEvents: ChannelEvents = { received: () => {}, ended: () => {} };

/** One attempt. `source` speaks first. */
export class Meeting {
	readonly #loop: DataLoop;
	readonly #connection: Connection;
	readonly #options: MeetingOptions;
	readonly #isSource: boolean;
	#bytes: Buffer = Buffer.alloc(0);
	#own: Hello | null = null;
	#ownFrame: Buffer = Buffer.alloc(0);
	#other: Hello | null = null;
	#otherFrame: Buffer = Buffer.alloc(0);
	#deadline: Cancel;
	#over = false;

	constructor(loop: DataLoop, connection: Connection, isSource: boolean, options: MeetingOptions) {
		this.#loop = loop;
		this.#connection = connection;
		this.#options = options;
		this.#isSource = isSource;
		this.#deadline = loop.timer(deadlineMs, () => this.#end("the other side does not answer the greeting", false));
		connection.handOver({
			received: (bytes) => this.#received(bytes),
			ended: (why) => this.#end(why, false),
		});
		if (isSource) this.#greet();
	}

	/** Gives up silently. */
	cancel(): void {
		this.#over = true;
		this.#deadline.cancel();
		this.#connection.close();
	}

	#greet(): void {
		this.#own = this.#options.hello(this.#other);
		this.#ownFrame = frameJson(this.#own);
		this.#connection.send([this.#ownFrame]);
	}

	#received(bytes: Buffer): void {
		this.#bytes = Buffer.concat([this.#bytes, bytes]);
		try {
			for (let taken = takeFrame(this.#bytes); taken !== null; taken = takeFrame(this.#bytes)) {
				this.#bytes = taken.rest;
				this.#take(taken.body);
				if (this.#over) return;
			}
		} catch (error) {
			const known = asSafekitError(error);
			if (known.code !== "REPLICATION_WIRE") throw error;
			this.#end(known.message, false);
		}
	}

	#take(body: Buffer): void {
		if (this.#other === null) {
			this.#other = readHello(body);
			this.#otherFrame = frame(Buffer.from(body));
			if (this.#isSource) return;
			this.#greet();
			this.#prove();
			return;
		}
		const expected = proof(this.#options.key, this.#isSource ? "target" : "source", ...this.#frames());
		if (!sameProof(expected, readProof(body))) {
			this.#end("the other side does not hold this module's key", false);
			return;
		}
		if (this.#isSource) this.#prove();
		this.#met(this.#own!, this.#other);
	}

	#prove(): void {
		const own = proof(this.#options.key, this.#isSource ? "source" : "target", ...this.#frames());
		this.#connection.send([frameJson({ proof: own.toString("hex") })]);
	}

	#frames(): [Buffer, Buffer] {
		return this.#isSource ? [this.#ownFrame, this.#otherFrame] : [this.#otherFrame, this.#ownFrame];
	}

	#met(own: Hello, other: Hello): void {
		const why = mismatch(own, other) ?? (own.refusal || other.refusal || null);
		if (why !== null) {
			this.#end(why, true);
			return;
		}
		this.#over = true;
		this.#deadline.cancel();
		const keys = connectionKeys(this.#options.key, ...this.#frames());
		const channel = new Channel(
			this.#loop,
			this.#connection,
			this.#isSource
				? { sends: keys.fromSource, receives: keys.fromTarget }
				: { sends: keys.fromTarget, receives: keys.fromSource },
			this.#options.silenceMs,
			noEvents,
		);
		this.#options.met(channel, other, own);
		channel.start(this.#bytes);
	}

	#end(why: string, proven: boolean): void {
		if (this.#over) return;
		this.cancel();
		this.#options.refused(why, proven);
	}
}
