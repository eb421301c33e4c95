/** The keys and nonces of one direction of one link: the packet's number is the nonce, and keys do not get old. */
import { hkdfSync } from "node:crypto";

/**
 * Packets under one key. The bound that TLS 1.3 sets for AES-GCM (RFC 8446 §5.5: 2^24.5 records of 2^14 bytes) is
 * reached by so many packets of the largest size.
 */
export const packetsPerKey = 1 << 18;

export class FrameKeys {
	readonly nonce = Buffer.alloc(12);
	readonly #packetsPerKey: number;
	#key: Buffer;
	#count = 0;

	/** @param key 32 bytes, used for this direction of this connection only. @param perKey packets; both sides alike. */
	constructor(key: Buffer, perKey = packetsPerKey) {
		this.#key = key;
		this.#packetsPerKey = perKey;
	}

	/** The key of the next packet, whose nonce is then in `nonce`. Numbers go on over a change of keys. */
	next(): Buffer {
		if (this.#count > 0 && this.#count % this.#packetsPerKey === 0) {
			this.#key = Buffer.from(hkdfSync("sha256", this.#key, "", "opensafe next frame key", 32));
		}
		this.nonce.writeUIntBE(this.#count++, 6, 6);
		return this.#key;
	}
}
