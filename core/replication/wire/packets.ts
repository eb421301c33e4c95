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

const headBytes = 4;
const usualBytes = 64 * 1024;
/** A longer message is encrypted on its way into the packet, shorter ones together when they are there. */
const longMessage = 32 * 1024;

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
	readonly #head = Buffer.alloc(headBytes);
	/** Bytes of the next packet's head that are there. */
	#headFilled = 0;
	/** A packet that came in part. */
	#packet: Buffer | null = null;
	#filled = 0;

	/** See Sealer. */
	constructor(sealing: Sealing | null) {
		this.#keys = sealing && new FrameKeys(sealing.key, sealing.perKey);
		this.#gcm = sealing && (sealing.make(false) ?? new NodeGcm(false));
	}

	/** Takes received bytes, which become this one's own, and returns the messages of all complete packets. */
	push(bytes: Buffer): Buffer[] {
		const messages: Buffer[] = [];
		for (let at = 0; at < bytes.length; ) {
			if (this.#packet === null) {
				at += this.#fillHead(bytes, at);
				if (this.#headFilled < headBytes) break;
				this.#headFilled = 0;
				const length = this.#length();
				if (length <= bytes.length - at) {
					this.#open(bytes.subarray(at, at + length), messages);
					at += length;
					continue;
				}
				this.#packet = Buffer.allocUnsafe(length);
				this.#filled = 0;
			}
			const copied = bytes.copy(this.#packet, this.#filled, at);
			at += copied;
			this.#filled += copied;
			if (this.#filled < this.#packet.length) break;
			const whole = this.#packet;
			this.#packet = null;
			this.#open(whole, messages);
		}
		return messages;
	}

	#fillHead(bytes: Buffer, at: number): number {
		const copied = bytes.copy(this.#head, this.#headFilled, at, at + headBytes - this.#headFilled);
		this.#headFilled += copied;
		return copied;
	}

	#length(): number {
		const length = this.#head.readUInt32BE(0);
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
		messages.push(plain.subarray(at + headBytes, at + headBytes + length));
		at += headBytes + length;
	}
}
