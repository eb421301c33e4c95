/** How two sides of a link meet over a connection: TLS with the module's key, two greetings, then sealed frames. */
import { asSafekitError } from "../../errors.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import type { MakeGcm } from "../wire/gcm.ts";
import { encodeHello, type Hello, mismatch, readHello } from "../wire/handshake.ts";
import { joinBytes, joined, joinRequest, readJoin } from "../wire/join.ts";
import { Bundle, type Carrier } from "./bundle.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type { Greeter, Greeting, LinkKeys } from "./greeting.ts";

/** From the first byte to the first frame. */
const deadlineMs = 5000;
/** A handshake with both greetings takes about 5 KB. */
const maxTlsBytes = 64 * 1024;

export interface MeetingOptions {
	/** The cipher of the frames. */
	gcm: MakeGcm;
	/** See Channel. */
	silenceMs: number;
	/** What this side says; the target hears the source, which has proven that it holds the key, first. */
	hello(other: Hello | null): Hello;
	/** Both hold the key and mean the same session. The events must be set by `channel.handOver`. */
	met(channel: Channel, other: Hello, own: Hello): void;
	/** `tell`: a person should know; false where only the network failed. */
	refused(why: string, tell: boolean): void;
}

/** Of a source: makes a further connection. */
export type DialMore = (done: (result: { connection: Connection } | { why: string }) => void) => Cancel;

const noEvents: ChannelEvents = { received: () => {}, ended: () => {} };

interface Heard {
	own: Hello;
	other: Hello;
	keys: LinkKeys;
}

/**
 * One attempt. The source speaks first. No byte can be taken for another kind: the source sends frames only when the
 * target has ended its TLS (and has taken all further connections), the target only when the first frame is there.
 */
export class Meeting {
	readonly #loop: DataLoop;
	readonly #connection: Connection;
	readonly #options: MeetingOptions;
	/** Null: this is the target. */
	readonly #dial: DialMore | null;
	readonly #greeting: Greeting;
	readonly #deadline: Cancel;
	readonly #own: Hello | null;
	#tlsBytes = 0;
	#heard: Heard | null = null;
	/** The other side was told by the answer; the link ends when it has read that. */
	#unfit: string | null = null;
	/** Further connections by place. */
	readonly #more = new Map<number, Connection>();
	readonly #dials = new Set<Cancel>();
	#over = false;

	constructor(
		loop: DataLoop,
		greeter: Greeter,
		connection: Connection,
		dial: DialMore | null,
		options: MeetingOptions,
	) {
		this.#loop = loop;
		this.#connection = connection;
		this.#options = options;
		this.#dial = dial;
		this.#deadline = loop.timer(deadlineMs, () => this.#end("the other side does not answer the greeting", true));
		connection.handOver({
			received: (bytes) => this.received(bytes),
			ended: (why) => this.#end(why, false),
		});
		this.#own = dial === null ? null : options.hello(null);
		this.#greeting = greeter.open(this.#own === null ? null : encodeHello(this.#own), {
			send: (bytes) => connection.send([bytes]),
			heard: (hello, keys) => this.#hear(hello, keys),
			failed: (why) => this.#end(why, true),
		});
	}

	/** Gives up silently. */
	cancel(): void {
		this.#over = true;
		this.#deadline.cancel();
		this.#greeting.close();
		for (const dial of this.#dials) dial.cancel();
		for (const connection of this.#all()) connection.close();
	}

	/** From the other side, over the first connection. */
	received(bytes: Buffer): void {
		if (this.#heard !== null) {
			this.#frame(this.#connection, bytes);
			return;
		}
		this.#tlsBytes += bytes.length;
		if (this.#tlsBytes > maxTlsBytes) this.#end("the other side does not come to an end with its greeting", true);
		else this.#greeting.received(bytes);
	}

	/** A further connection for the target; false: it does not belong here. */
	join(connection: Connection, request: Buffer): boolean {
		const heard = this.#heard;
		const place = heard === null ? null : readJoin(heard.keys.join, request.subarray(0, joinBytes));
		if (heard === null || place === null || place < 1 || place >= heard.other.connections) return false;
		if (this.#more.has(place) || request.length > joinBytes) return false;
		this.#more.set(place, connection);
		connection.handOver({ received: () => {}, ended: (why) => this.#end(why, false) });
		connection.send([joined]);
		if (this.#more.size === heard.other.connections - 1) {
			const bundle = new Bundle(this.#loop, this.#all());
			bundle.handOver({ received: (bytes) => this.#frame(bundle, bytes), ended: (why) => this.#end(why, false) });
		}
		return true;
	}

	#hear(hello: Buffer, keys: LinkKeys): void {
		let other: Hello;
		try {
			other = readHello(hello);
		} catch (error) {
			const known = asSafekitError(error);
			if (known.code !== "REPLICATION_WIRE") throw error;
			this.#end(known.message, true);
			return;
		}
		const own = this.#own ?? this.#options.hello(other);
		this.#heard = { own, other, keys };
		const why = mismatch(own, other) ?? (own.refusal || other.refusal || null);
		if (this.#dial === null) {
			this.#unfit = why;
			this.#greeting.answer(encodeHello(own));
		} else if (why !== null) this.#end(why, true);
		else if (own.connections === 1) this.#begin(this.#connection);
		else this.#dialMore(this.#dial, own.connections - 1, keys);
	}

	/** The target's side: the first frame, over everything that was agreed. */
	#frame(carrier: Carrier, bytes: Buffer): void {
		const complete = carrier !== this.#connection || this.#heard!.other.connections === 1;
		if (this.#unfit === null && complete && this.#dial === null) this.#met(carrier).start(bytes);
		else this.#end("the other side sends data before its time", true);
	}

	#dialMore(dial: DialMore, count: number, keys: LinkKeys): void {
		let left = count;
		for (let place = 1; place <= count; place++) {
			const taken = (result: { connection: Connection } | { why: string }): void => {
				this.#dials.delete(dialled);
				if ("why" in result) {
					this.#end(result.why, false);
					return;
				}
				const { connection } = result;
				this.#more.set(place, connection);
				connection.handOver({
					received: () => {
						if (--left === 0) this.#begin(new Bundle(this.#loop, this.#all()));
					},
					ended: (why) => this.#end(why, false),
				});
				connection.send([joinRequest(keys.join, place)]);
			};
			const dialled = dial(taken);
			this.#dials.add(dialled);
		}
	}

	#all(): Connection[] {
		return [this.#connection, ...this.#more.values()];
	}

	/** The source's side: the target waits for a first frame. */
	#begin(carrier: Carrier): void {
		this.#met(carrier).greet();
	}

	#met(carrier: Carrier): Channel {
		const { own, other, keys } = this.#heard!;
		this.#over = true;
		this.#deadline.cancel();
		this.#greeting.close();
		const [source, target] = [Buffer.from(keys.fromSource), Buffer.from(keys.fromTarget)];
		const make = this.#options.gcm;
		const ordered = own.source ? { sends: source, receives: target, make } : { sends: target, receives: source, make };
		const sealed = own.sealed || other.sealed;
		const channel = new Channel(this.#loop, carrier, sealed ? ordered : null, this.#options.silenceMs, noEvents);
		this.#options.met(channel, other, own);
		return channel;
	}

	#end(why: string, tell: boolean): void {
		if (this.#over) return;
		this.cancel();
		if (this.#unfit === null) this.#options.refused(why, tell);
		else this.#options.refused(this.#unfit, true);
	}
}
