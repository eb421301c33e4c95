/**
 * How a further connection proves that it belongs to a link: `magic | id of the link | place | HMAC`, under a key that
 * came out of that link's handshake. Each place is taken once. Pure.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

const magic = Buffer.from("OSJN");
const idBytes = 16;
export const joinBytes = magic.length + idBytes + 1 + 32;
/** The answer of the target. */
export const joined = Buffer.from("J");

const mac = (key: Uint8Array, what: string): Buffer => createHmac("sha256", key).update(what).digest();

/** What the connection at this place (1…) says first. */
export function joinRequest(key: Uint8Array, place: number): Buffer {
	const id = mac(key, "id").subarray(0, idBytes);
	return Buffer.concat([magic, id, Buffer.of(place), mac(key, `place ${place}`)]);
}

/** False: these first bytes are something else. */
export function beginsJoin(bytes: Buffer): boolean {
	const length = Math.min(bytes.length, magic.length);
	return bytes.subarray(0, length).equals(magic.subarray(0, length));
}

/** The place, or null when the request is not of the link with this key. */
export function readJoin(key: Uint8Array, request: Buffer): number | null {
	if (request.length !== joinBytes) return null;
	const place = request[magic.length + idBytes]!;
	return timingSafeEqual(request, joinRequest(key, place)) ? place : null;
}
