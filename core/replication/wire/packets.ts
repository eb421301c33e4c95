/**
 * Sealed packets: `u32 length | AES-256-GCM ciphertext | 16 bytes tag`. Each direction of each connection has its own
 * key (link/tlsEngine.ts) and counts its packets in the nonce: nothing can be replayed, left out, swapped or turned round
 * without the link ending. A packet holds whole messages, each `u32 length | bytes`. Where a module's traffic is not
 * to be encrypted its packets are the same without cipher and tag, and only TCP watches over them.
 */
import { type CipherGCMTypes, createCipheriv, createDecipheriv } from "node:crypto";
import { wireError } from "./bytes.ts";
import { FrameKeys } from "./frameKeys.ts";
import { maxMessage, maxPacket } from "./limits.ts";

const cipherName: CipherGCMTypes = "aes-256-gcm";
const tagBytes = 16;

/** Seals what one side sends over one connection. */
export class Sealer {
	readonly #keys: FrameKeys | null;

	/** @param key null: not encrypted. @param perKey see FrameKeys. */
	constructor(key: Buffer | null, perKey?: number) {
		this.#keys = key && new FrameKeys(key, perKey);
	}

	/** The packet that carries these messages, in pieces to be sent one after the other. */
	seal(messages: readonly Buffer[]): Buffer[] {
		const length = messages.reduce((sum, message) => sum + 4 + message.length, 0);
		if (length > maxPacket) throw wireError(`a packet of ${length} bytes`);
		const head = Buffer.allocUnsafe(4);
		if (this.#keys === null) return plain(head, messages, length);
		head.writeUInt32BE(length + tagBytes);
		const cipher = createCipheriv(cipherName, this.#keys.next(), this.#keys.nonce).setAAD(head);
		const pieces: Buffer[] = [head];
		for (const message of messages) {
			const prefix = Buffer.allocUnsafe(4);
			prefix.writeUInt32BE(message.length);
			pieces.push(cipher.update(prefix), cipher.update(message));
		}
		cipher.final();
		pieces.push(cipher.getAuthTag());
		return length <= 65_536 ? [Buffer.concat(pieces)] : pieces;
	}
}

/** Opens what the other side sealed. Any doubt throws REPLICATION_WIRE; the connection is then of no more use. */
export class Opener {
	readonly #keys: FrameKeys | null;
	readonly #tagBytes: number;
	#kept: Buffer[] = [];
	#keptBytes = 0;

	/** See Sealer. */
	constructor(key: Buffer | null, perKey?: number) {
		this.#keys = key && new FrameKeys(key, perKey);
		this.#tagBytes = key === null ? 0 : tagBytes;
	}

	/** Takes received bytes (kept until they are complete) and returns the messages of all complete packets. */
	push(bytes: Buffer): Buffer[] {
		this.#kept.push(bytes);
		this.#keptBytes += bytes.length;
		const messages: Buffer[] = [];
		while (this.#keptBytes >= 4) {
			const length = this.#peekLength();
			if (this.#keptBytes < 4 + length) break;
			const all = this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
			messages.push(...this.#open(all.subarray(0, 4), all.subarray(4, 4 + length)));
			this.#kept = [all.subarray(4 + length)];
			this.#keptBytes -= 4 + length;
		}
		return messages;
	}

	#peekLength(): number {
		if (this.#kept[0]!.length < 4) this.#kept = [Buffer.concat(this.#kept)];
		const length = this.#kept[0]!.readUInt32BE(0);
		if (length < this.#tagBytes || length > maxPacket + this.#tagBytes) throw wireError(`a packet of ${length} bytes`);
		return length;
	}

	#open(head: Buffer, sealed: Buffer): Buffer[] {
		if (this.#keys === null) return split(sealed);
		const decipher = createDecipheriv(cipherName, this.#keys.next(), this.#keys.nonce).setAAD(head);
		const plain = decipher.update(sealed.subarray(0, -tagBytes));
		decipher.setAuthTag(sealed.subarray(-tagBytes));
		try {
			decipher.final();
		} catch (cause) {
			throw wireError(`a packet does not carry the seal of this connection (${String(cause)})`);
		}
		return split(plain);
	}
}

function plain(head: Buffer, messages: readonly Buffer[], length: number): Buffer[] {
	head.writeUInt32BE(length);
	const pieces: Buffer[] = [head];
	for (const message of messages) {
		const prefix = Buffer.allocUnsafe(4);
		prefix.writeUInt32BE(message.length);
		pieces.push(prefix, message);
	}
	return length <= 65_536 ? [Buffer.concat(pieces)] : pieces;
}

function split(plain: Buffer): Buffer[] {
	const messages: Buffer[] = [];
	for (let at = 0; at < plain.length; ) {
		if (plain.length - at < 4) throw wireError("a packet ends inside a length");
		const length = plain.readUInt32BE(at);
		if (length > maxMessage || length > plain.length - at - 4) throw wireError(`a message of ${length} bytes`);
		messages.push(plain.subarray(at + 4, at + 4 + length));
		at += 4 + length;
	}
	return messages;
}
