/**
 * A pulse as bytes: `OSP1`, the sender's incarnation (16), a sequence number (8), then AES-256-GCM over JSON, with all
 * that stands before it as additional data. Each incarnation of each sender has a key of its own, so a nonce, which is
 * the sequence number, never meets the same key twice; and nobody's pulse can be sent back to him.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto";
import type { Announcement } from "../engine/contract.ts";
import type { ResourceSlice } from "./resources.ts";
import { maxAnnouncementBytes } from "./service.ts";

/** Fits one frame of every usual network, tunnels included. */
export const maxPacketBytes = 1400;
const magic = Buffer.from("OSP1");
const headBytes = 28;
const tagBytes = 16;
export const maxContentBytes = maxPacketBytes - headBytes - tagBytes;

/** What every pulse has, whatever it says. Names are short because they travel. */
export interface Envelope {
	/** Which heartbeat it is, see `pathMark`. */
	i: string;
	/** Challenge for that incarnation: send this token back, so that I know that you live now. */
	c?: [incarnation: string, token: string];
	/** Answer to a challenge. */
	e?: string;
}

/** What a pulse of a mirror's node says. */
export interface Pulse extends Envelope {
	/** I hear you on this path: yes, not any more, or (null) I have just started. */
	h: boolean | null;
	s: Announcement;
	r: ResourceSlice;
	/** I have your resources up to this revision of that incarnation. */
	a?: [incarnation: string, revision: number];
}

export interface Sealed {
	/** 32 hex digits. */
	incarnation: string;
	sequence: bigint;
	bytes: Buffer;
}

/** Eight hex digits that stand for a heartbeat's ident, so that a pulse of one path is worth nothing on another. */
export function pathMark(ident: string): string {
	return createHash("sha256").update(ident).digest("hex").slice(0, 8);
}

/** Key of the pulses of one incarnation of the node `sender`. */
export function pulseKey(moduleKey: Buffer, incarnation: string, sender: string): Buffer {
	return Buffer.from(hkdfSync("sha256", moduleKey, Buffer.from(incarnation, "hex"), `pulse of ${sender}`, 32));
}

function nonceOf(sequence: bigint): Buffer {
	const nonce = Buffer.alloc(12);
	nonce.writeBigUInt64BE(sequence, 4);
	return nonce;
}

/** The bytes of a pulse. Throws RangeError if it does not fit; the sequence number must never repeat under `key`. */
export function sealPulse(key: Buffer, incarnation: string, sequence: bigint, pulse: Envelope): Buffer {
	const head = Buffer.alloc(headBytes);
	magic.copy(head);
	head.write(incarnation, 4, "hex");
	head.writeBigUInt64BE(sequence, 20);
	const content = Buffer.from(JSON.stringify(pulse));
	if (content.length > maxContentBytes) throw new RangeError(`a pulse of ${content.length} bytes does not fit`);
	const cipher = createCipheriv("aes-256-gcm", key, nonceOf(sequence));
	cipher.setAAD(head);
	return Buffer.concat([head, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** Splits a packet into its parts; null for what cannot be a pulse of this version. */
export function readPacket(bytes: Buffer): Sealed | null {
	if (bytes.length <= headBytes + tagBytes || bytes.length > maxPacketBytes) return null;
	if (!bytes.subarray(0, 4).equals(magic)) return null;
	return { incarnation: bytes.toString("hex", 4, 20), sequence: bytes.readBigUInt64BE(20), bytes };
}

/** The pulse inside; null if it was not made with this key or says something that no pulse of its kind says. */
export function openPulse<P extends Envelope>(
	key: Buffer,
	sealed: Sealed,
	read: (content: Envelope) => P | null,
): P | null {
	const { bytes } = sealed;
	try {
		const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(sealed.sequence), { authTagLength: tagBytes });
		decipher.setAAD(bytes.subarray(0, headBytes));
		decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
		const content = decipher.update(bytes.subarray(headBytes, bytes.length - tagBytes));
		const value: unknown = JSON.parse(Buffer.concat([content, decipher.final()]).toString());
		return isEnvelope(value) ? read(value) : null;
	} catch {
		return null;
	}
}

function isEnvelope(value: unknown): value is Envelope {
	if (!isRecord(value) || !isText(value.i, 8)) return false;
	const { c, e } = value;
	if (c !== undefined && !(Array.isArray(c) && isText(c[0], 32) && isText(c[1], 32))) return false;
	return e === undefined || isText(e, 32);
}

/** A mirror's pulse; null if it is none. */
export function readPulse(content: Envelope): Pulse | null {
	const { h, s, r, a } = content as Partial<Record<keyof Pulse, unknown>>;
	if (!(h === null || typeof h === "boolean")) return null;
	if (!isRecord(s) || typeof s.main !== "string" || typeof s.status !== "string") return null;
	if (Buffer.byteLength(JSON.stringify(s)) > maxAnnouncementBytes || !isSlice(r)) return null;
	if (a !== undefined && !(Array.isArray(a) && isText(a[0], 32) && isRevision(a[1]))) return null;
	return content as Pulse;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown, longest: number): value is string {
	return typeof value === "string" && value.length <= longest;
}

function isRevision(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSlice(value: unknown): value is ResourceSlice {
	if (!Array.isArray(value) || value.length !== 4 || !value.slice(0, 3).every(isRevision)) return false;
	return isRecord(value[3]) && Object.values(value[3]).every((state) => state === null || isText(state, 256));
}
