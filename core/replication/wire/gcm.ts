/** AES-256-GCM over memory that is there already. */
import { type CipherGCM, type CipherGCMTypes, createCipheriv, createDecipheriv, type DecipherGCM } from "node:crypto";

const cipherName: CipherGCMTypes = "aes-256-gcm";
export const tagBytes = 16;

/** One key, one direction. For each packet: `start`, `update` as often as there are pieces, then `seal` or `open`. */
export interface Gcm {
	start(key: Buffer, nonce: Buffer): void;
	/** `into` is as long as `from`, and may be the same memory. */
	update(into: Buffer, from: Buffer): void;
	/** Fills in the 16 bytes of the seal. */
	seal(tag: Buffer): void;
	/** False: what was decrypted is not what was sealed, and must not be used. */
	open(tag: Buffer): boolean;
}

/** A fast one of the platform; null: it has none. */
export type MakeGcm = (seals: boolean) => Gcm | null;

/** With Node's own objects: a new one for every packet. */
export class NodeGcm implements Gcm {
	readonly #seals: boolean;
	#cipher: CipherGCM | DecipherGCM | null = null;

	constructor(seals: boolean) {
		this.#seals = seals;
	}

	start(key: Buffer, nonce: Buffer): void {
		this.#cipher = (this.#seals ? createCipheriv : createDecipheriv)(cipherName, key, nonce);
	}

	update(into: Buffer, from: Buffer): void {
		this.#cipher?.update(from).copy(into);
	}

	seal(tag: Buffer): void {
		const cipher = this.#cipher as CipherGCM;
		cipher.final();
		cipher.getAuthTag().copy(tag);
	}

	open(tag: Buffer): boolean {
		const decipher = this.#cipher as DecipherGCM;
		decipher.setAuthTag(tag);
		try {
			decipher.final();
			return true;
		} catch {
			return false;
		}
	}
}
