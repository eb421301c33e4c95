/**
 * The data thread's side of the TLS handshakes: their bytes travel through its connections, the work is done in the
 * main thread (tlsEngine.ts), because the data thread never runs Node's event loop.
 */

/** Keys that came out of a handshake, 32 bytes each. */
export interface LinkKeys {
	/** Of the frames from source to target, and back. */
	fromSource: Uint8Array;
	fromTarget: Uint8Array;
	/** Proves that a further connection belongs to this link. */
	join: Uint8Array;
}

/** Data thread → main thread. `tls`: number of the handshake. */
export type ToTls =
	/** The source brings its greeting, the target (null) answers one. */
	| { tls: number; open: Uint8Array | null }
	/** From the other side. */
	| { tls: number; bytes: Uint8Array }
	/** The target's greeting, which ends its TLS. */
	| { tls: number; answer: Uint8Array }
	| { tls: number; close: true };

/** Main thread → data thread. */
export type FromTls =
	/** To the other side. */
	| { tls: number; bytes: Uint8Array }
	/** The other side is proven, has said this, and has ended its TLS. */
	| { tls: number; heard: Uint8Array; keys: LinkKeys }
	| { tls: number; failed: string };

export interface GreetingEvents {
	send(bytes: Buffer): void;
	heard(hello: Buffer, keys: LinkKeys): void;
	failed(why: string): void;
}

/** One handshake. After `close` none of its events comes. */
export interface Greeting {
	received(bytes: Buffer): void;
	answer(hello: Buffer): void;
	close(): void;
}

/** Hands handshakes to the main thread, and what comes back to the right one. */
export class Greeter {
	readonly #post: (message: ToTls) => void;
	readonly #open = new Map<number, GreetingEvents>();
	#last = 0;

	constructor(post: (message: ToTls) => void) {
		this.#post = post;
	}

	/** @param hello of a source; a target passes null and answers what it hears. */
	open(hello: Buffer | null, events: GreetingEvents): Greeting {
		const tls = ++this.#last;
		this.#open.set(tls, events);
		this.#post({ tls, open: hello });
		return {
			received: (bytes) => this.#post({ tls, bytes }),
			answer: (answer) => this.#post({ tls, answer }),
			close: () => {
				if (this.#open.delete(tls)) this.#post({ tls, close: true });
			},
		};
	}

	take(message: FromTls): void {
		const events = this.#open.get(message.tls);
		if (events === undefined) return;
		if ("bytes" in message) events.send(Buffer.from(message.bytes));
		else if ("heard" in message) events.heard(Buffer.from(message.heard), message.keys);
		else events.failed(message.failed);
	}
}
