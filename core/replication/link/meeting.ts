/** How two sides of a link meet over a connection: TLS with the module's key, two greetings, then sealed frames. */
import { asSafekitError } from "../../errors.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import { encodeHello, type Hello, mismatch, readHello } from "../wire/handshake.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type { Greeter, Greeting, LinkKeys } from "./greeting.ts";

/** From the first byte to the first frame. */
const deadlineMs = 5000;
/** A handshake with both greetings takes about 5 KB. */
const maxTlsBytes = 64 * 1024;

export interface MeetingOptions {
	/** See Channel. */
	silenceMs: number;
	/** What this side says; the target hears the source, which has proven that it holds the key, first. */
	hello(other: Hello | null): Hello;
	/** Both hold the key and mean the same session. The events must be set by `channel.handOver`. */
	met(channel: Channel, other: Hello, own: Hello): void;
	/** `tell`: a person should know; false where only the network failed. */
	refused(why: string, tell: boolean): void;
}

const noEvents: ChannelEvents = { received: () => {}, ended: () => {} };

/**
 * One attempt. `source` speaks first. No byte can be taken for another kind: the source sends frames only when the
 * target has ended its TLS, and the target only when the first frame of the source is there.
 */
export class Meeting {
	readonly #loop: DataLoop;
	readonly #connection: Connection;
	readonly #options: MeetingOptions;
	readonly #isSource: boolean;
	readonly #greeting: Greeting;
	readonly #deadline: Cancel;
	#own: Hello | null = null;
	#tlsBytes = 0;
	/** Of a target that has answered: what it does with the first frame. */
	#answered: ((bytes: Buffer) => void) | null = null;
	/** The other side was told by the answer; the link ends when it has read that. */
	#unfit: string | null = null;
	#over = false;

	constructor(loop: DataLoop, greeter: Greeter, connection: Connection, isSource: boolean, options: MeetingOptions) {
		this.#loop = loop;
		this.#connection = connection;
		this.#options = options;
		this.#isSource = isSource;
		this.#deadline = loop.timer(deadlineMs, () => this.#end("the other side does not answer the greeting", true));
		connection.handOver({
			received: (bytes) => this.#received(bytes),
			ended: (why) => this.#end(why, false),
		});
		if (isSource) this.#own = options.hello(null);
		this.#greeting = greeter.open(this.#own === null ? null : encodeHello(this.#own), {
			send: (bytes) => connection.send([bytes]),
			heard: (hello, keys) => this.#heard(hello, keys),
			failed: (why) => this.#end(why, true),
		});
	}

	/** Gives up silently. */
	cancel(): void {
		this.#over = true;
		this.#deadline.cancel();
		this.#greeting.close();
		this.#connection.close();
	}

	#received(bytes: Buffer): void {
		if (this.#answered !== null) {
			this.#answered(bytes);
			return;
		}
		this.#tlsBytes += bytes.length;
		if (this.#tlsBytes > maxTlsBytes) this.#end("the other side does not come to an end with its greeting", true);
		else this.#greeting.received(bytes);
	}

	#heard(hello: Buffer, keys: LinkKeys): void {
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
		const why = mismatch(own, other) ?? (own.refusal || other.refusal || null);
		if (!this.#isSource) {
			this.#greeting.answer(encodeHello(own));
			this.#unfit = why;
			this.#answered = (bytes) => {
				if (why === null) this.#met(own, other, keys).start(bytes);
				else this.#end(why, true);
			};
		} else if (why !== null) this.#end(why, true);
		// The target waits for a first frame.
		else this.#met(own, other, keys).greet();
	}

	#met(own: Hello, other: Hello, keys: LinkKeys): Channel {
		this.#over = true;
		this.#deadline.cancel();
		this.#greeting.close();
		const [source, target] = [Buffer.from(keys.fromSource), Buffer.from(keys.fromTarget)];
		const ordered = this.#isSource ? { sends: source, receives: target } : { sends: target, receives: source };
		const channel = new Channel(
			this.#loop,
			this.#connection,
			own.sealed || other.sealed ? ordered : null,
			this.#options.silenceMs,
			noEvents,
		);
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
