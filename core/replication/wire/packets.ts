/**
 * Sealed packets: `u32 length | AES-256-GCM ciphertext | 16 bytes tag`. Each direction of each connection has its own
 * key (link/tlsEngine.ts) and counts its packets in the nonce: nothing can be replayed, left out, swapped, turned round
 * or cut elsewhere without the link ending. A packet holds whole messages, each `u32 length | bytes`. Where a module's
 * traffic is not to be encrypted its packets are the same without cipher and tag, and only TCP watches over them.
 */
import { wireError } from "./bytes.ts";
import { FrameKeys } from "./frameKeys.ts";
import { type Gcm, type MakeGcm, NodeGcm, tagBytes } from "./gcm.ts";
import { maxMessage, maxPacket } from "./limits.ts";
import { keep, passed, passing } from "./passing.ts";

const headBytes = 4;
const usualBytes = 64 * 1024;
/** A longer message is encrypted on its way into the packet, shorter ones together when they are there. */
const longMessage = 32 * 1024;
const nothing: Buffer = Buffer.alloc(0);

export interface Sealing {
	/** 32 bytes, used for one direction of one connection only. */
	key: Buffer;
	make: MakeGcm;
	/** See FrameKeys. */
	perKey?: number;
}

/** Seals what one side sends over one connection. */
export class Sealer {
	readonly #keys: FrameKeys | null;
	readonly #gcm: Gcm | null;
	#memory = Buffer.allocUnsafeSlow(usualBytes);

	/** @param sealing null: not encrypted. */
	constructor(sealing: Sealing | null) {
		this.#keys = sealing && new FrameKeys(sealing.key, sealing.perKey);
		this.#gcm = sealing && (sealing.make(true) ?? new NodeGcm(true));
	}

	/** The packet that carries these messages: good until the next one is made. */
	seal(messages: readonly Buffer[]): Buffer {
		let length = 0;
		for (const message of messages) length += headBytes + message.length;
		if (length > maxPacket) throw wireError(`a packet of ${length} bytes`);
		const packet = this.#room(headBytes + length + (this.#gcm === null ? 0 : tagBytes));
		packet.writeUInt32BE(packet.length - headBytes, 0);
		if (this.#keys !== null) this.#gcm?.start(this.#keys.next(), this.#keys.nonce);
		let at = headBytes;
		let encrypted = headBytes;
		const encrypt = (): void => {
			const part = packet.subarray(encrypted, at);
			this.#gcm?.update(part, part);
			encrypted = at;
		};
		for (const message of messages) {
			packet.writeUInt32BE(message.length, at);
			at += headBytes;
			if (this.#gcm === null || message.length < longMessage) message.copy(packet, at);
			else {
				encrypt();
				this.#gcm.update(packet.subarray(at, at + message.length), message);
				encrypted += message.length;
			}
			at += message.length;
		}
		encrypt();
		this.#gcm?.seal(packet.subarray(at));
		return packet;
	}

	#room(bytes: number): Buffer {
		if (bytes > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(bytes);
		return this.#memory.subarray(0, bytes);
	}
}

/** Opens what the other side sealed. Any doubt throws REPLICATION_WIRE; the connection is then of no more use. */
export class Opener {
	readonly #keys: FrameKeys | null;
	readonly #gcm: Gcm | null;
	/** What came of a packet that is not complete, head included: where it was received. */
	#begun = nothing;
	/** A packet whose pieces do not follow each other in memory, without its head. */
	#packet: Buffer | null = null;
	#filled = 0;

	/** See Sealer. */
	constructor(sealing: Sealing | null) {
		this.#keys = sealing && new FrameKeys(sealing.key, sealing.perKey);
		this.#gcm = sealing && (sealing.make(false) ?? new NodeGcm(false));
	}

	/**
	 * Takes received bytes, which it gives back itself, and returns the messages of all complete packets: views of
	 * what was received, where that is in one piece of memory. Each of them is to be given back (passing.ts), or kept.
	 */
	push(bytes: Buffer): Buffer[] {
		const messages: Buffer[] = [];
		const begun = this.#begun;
		const left = this.#continued(bytes, messages);
		passed(begun);
		let at = 0;
		while (left.length - at >= headBytes) {
			const length = this.#length(left, at);
			if (length > left.length - at - headBytes) break;
			at += headBytes;
			this.#open(left.subarray(at, at + length), messages);
			at += length;
		}
		this.#begun = at < left.length ? left.subarray(at) : nothing;
		keep(this.#begun);
		passed(bytes);
		return messages;
	}

	/** What begins with a head: with what came before, or without what completes it. */
	#continued(bytes: Buffer, messages: Buffer[]): Buffer {
		if (this.#packet !== null) return this.#fill(this.#packet, bytes, messages);
		const begun = this.#begun;
		if (begun.length === 0) return bytes;
		if (begun.buffer === bytes.buffer && begun.byteOffset + begun.length === bytes.byteOffset)
			return Buffer.from(bytes.buffer, begun.byteOffset, begun.length + bytes.length);
		if (begun.length < headBytes) return Buffer.concat([begun, bytes]);
		this.#begun = nothing;
		this.#packet = passing(this.#length(begun, 0));
		this.#filled = begun.copy(this.#packet, 0, headBytes);
		return this.#fill(this.#packet, bytes, messages);
	}

	/** The bytes behind those that the packet lacked. */
	#fill(packet: Buffer, bytes: Buffer, messages: Buffer[]): Buffer {
		const copied = bytes.copy(packet, this.#filled);
		this.#filled += copied;
		if (this.#filled < packet.length) return nothing;
		this.#packet = null;
		this.#open(packet, messages);
		passed(packet);
		return bytes.subarray(copied);
	}

	#length(bytes: Buffer, at: number): number {
		const length = bytes.readUInt32BE(at);
		const seal = this.#gcm === null ? 0 : tagBytes;
		if (length < seal || length > maxPacket + seal) throw wireError(`a packet of ${length} bytes`);
		return length;
	}

	#open(sealed: Buffer, messages: Buffer[]): void {
		if (this.#keys === null || this.#gcm === null) {
			split(sealed, messages);
			return;
		}
		this.#gcm.start(this.#keys.next(), this.#keys.nonce);
		const content = sealed.subarray(0, sealed.length - tagBytes);
		this.#gcm.update(content, content);
		if (!this.#gcm.open(sealed.subarray(sealed.length - tagBytes)))
			throw wireError("a packet does not carry the seal of this connection");
		split(content, messages);
	}
}

function split(plain: Buffer, messages: Buffer[]): void {
	for (let at = 0; at < plain.length; ) {
		if (plain.length - at < headBytes) throw wireError("a packet ends inside a length");
		const length = plain.readUInt32BE(at);
		if (length > maxMessage || length > plain.length - at - headBytes) throw wireError(`a message of ${length} bytes`);
		const message = plain.subarray(at + headBytes, at + headBytes + length);
		keep(message);
		messages.push(message);
		at += headBytes + length;
	}
}
