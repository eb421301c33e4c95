/**
 * Who sent a pulse, and whether it is new. Sequence numbers tell a repeated pulse from a new one within one incarnation
 * (run of the heartbeat thread) of the peer. Another incarnation is believed only after it has sent back a token that
 * was made for it: a recording cannot do that, however old it is and whoever plays it back.
 */
import { createHmac, randomBytes } from "node:crypto";
import { type Envelope, openPulse, pathMark, pulseKey, readPacket, sealPulse } from "./packet.ts";

export type Received<P extends Envelope> =
	/** `fresh`: the first pulse of a new incarnation. */
	| { is: "accepted"; pulse: P; sequence: bigint; fresh: boolean }
	/** An incarnation that has yet to prove that it lives now: the next pulse on this path should challenge it. */
	| { is: "stranger"; incarnation: string; token: string; pulse: P }
	/** `why` null: an ordinary duplicate or late packet, nothing to report. */
	| { is: "refused"; why: string | null };

/** Networks may deliver packets twice or late; what is older than this many pulses was recorded. */
const lateness = 64n;

export class Identity<P extends Envelope> {
	/** This run of the heartbeat thread, 32 hex digits. */
	readonly own = randomBytes(16).toString("hex");
	readonly #moduleKey: Buffer;
	readonly #ownKey: Buffer;
	readonly #peer: string;
	readonly #read: (content: Envelope) => P | null;
	readonly #secret = randomBytes(32);
	#sequence = 0n;
	/** How many incarnations were believed: tokens made before the last of them are worth nothing. */
	#believed = 0;
	#current: { incarnation: string; key: Buffer; floor: bigint; last: Map<string, bigint> } | null = null;

	/** `read`: the pulse in what came in, null if it is none of this kind. */
	constructor(moduleKey: Buffer, node: string, peer: string, read: (content: Envelope) => P | null) {
		this.#moduleKey = moduleKey;
		this.#ownKey = pulseKey(moduleKey, this.own, node);
		this.#peer = peer;
		this.#read = read;
	}

	/** The peer's incarnation that is believed. */
	get peer(): string | null {
		return this.#current?.incarnation ?? null;
	}

	seal(pulse: P): Buffer {
		return sealPulse(this.#ownKey, this.own, ++this.#sequence, pulse);
	}

	/** Reads a packet that came in on the heartbeat `ident`. Never throws, whatever the bytes are. */
	receive(ident: string, bytes: Buffer): Received<P> {
		const sealed = readPacket(bytes);
		if (sealed === null) return { is: "refused", why: "these are no pulses of this version" };
		const { incarnation, sequence } = sealed;
		const known = this.#current?.incarnation === incarnation ? this.#current : null;
		const key = known?.key ?? pulseKey(this.#moduleKey, incarnation, this.#peer);
		const pulse = openPulse(key, sealed, this.#read);
		if (pulse === null) {
			return { is: "refused", why: `they were not made with this cluster's key by ${this.#peer}` };
		}
		if (pulse.i !== pathMark(ident)) return { is: "refused", why: "they belong to another heartbeat" };
		if (known !== null) {
			const last = known.last.get(ident) ?? known.floor;
			if (sequence <= last) return { is: "refused", why: last - sequence > lateness ? "they are repeated" : null };
			known.last.set(ident, sequence);
			return { is: "accepted", pulse, sequence, fresh: false };
		}
		const token = this.#token(incarnation);
		if (pulse.e !== token) return { is: "stranger", incarnation, token, pulse };
		this.#believed++;
		this.#current = { incarnation, key, floor: sequence, last: new Map([[ident, sequence]]) };
		return { is: "accepted", pulse, sequence, fresh: true };
	}

	/** The same for an incarnation until another one is believed, so that nothing has to be kept for strangers. */
	#token(incarnation: string): string {
		const mac = createHmac("sha256", this.#secret).update(`${this.#believed} ${incarnation}`);
		return mac.digest("hex").slice(0, 32);
	}
}
