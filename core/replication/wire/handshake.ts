/**
 * How two replication processes meet: each proves that it holds the module's replication key by an HMAC over
 * everything both have said, and each direction then gets a key of its own. Until the proofs are checked nothing of
 * what the other side says has any effect. Pure: bytes in, bytes out.
 *
 *   source → target   hello (nonce, module, names, term, outcome, session to be continued)
 *   target → source   hello (nonce, …, incarnation, last received number) + proof
 *   source → target   proof
 *
 * Each of them is `u32 length | JSON`, at most 4096 bytes.
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { MeetingOutcome } from "../../engine/replication.ts";
import { wireError } from "./bytes.ts";

export const protocol = 1;
const maxHello = 4096;

/** What one side says of itself. */
export interface Hello {
	protocol: number;
	module: string;
	node: string;
	peer: string;
	/** 32 bytes, hex. */
	nonce: string;
	term: number;
	source: boolean;
	outcome: MeetingOutcome;
	/** Of the replication process of the target; empty in the first hello of a session. */
	incarnation: string;
	/** Source: go on with the session of that incarnation. Target: the last number received, null where that is impossible. */
	resume: boolean;
	received: number | null;
	/** Set by a target that cannot take this session at all, for the log of the source. */
	refusal: string;
}

const shape: Record<keyof Hello, string> = {
	protocol: "number",
	module: "string",
	node: "string",
	peer: "string",
	nonce: "string",
	term: "number",
	source: "boolean",
	outcome: "string",
	incarnation: "string",
	resume: "boolean",
	received: "object",
	refusal: "string",
};

export const newNonce = (): string => randomBytes(32).toString("hex");

/** `u32 length | JSON`. */
export function frameJson(value: unknown): Buffer {
	return frame(Buffer.from(JSON.stringify(value), "utf8"));
}

/** The body as it travels. */
export function frame(body: Buffer): Buffer {
	const head = Buffer.allocUnsafe(4);
	head.writeUInt32BE(body.length);
	return Buffer.concat([head, body]);
}

/** The first complete frame in `bytes` and what follows it, or null while it is incomplete. */
export function takeFrame(bytes: Buffer): { body: Buffer; rest: Buffer } | null {
	if (bytes.length < 4) return null;
	const length = bytes.readUInt32BE(0);
	if (length > maxHello) throw wireError(`a greeting of ${length} bytes`);
	if (bytes.length < 4 + length) return null;
	return { body: bytes.subarray(4, 4 + length), rest: bytes.subarray(4 + length) };
}

/** A greeting from outside: unknown fields are refused, strings are bounded. */
export function readHello(body: Buffer): Hello {
	const value = parse(body);
	for (const [key, type] of Object.entries(shape)) {
		const field = value[key];
		const fits = key === "received" ? field === null || Number.isSafeInteger(field) : typeof field === type;
		if (!fits || (typeof field === "string" && field.length > 256)) throw wireError(`a greeting with a bad ${key}`);
	}
	if (Object.keys(value).length !== Object.keys(shape).length) throw wireError("a greeting with unknown fields");
	if (!/^[0-9a-f]{64}$/.test(String(value.nonce))) throw wireError("a greeting with a bad nonce");
	if (!Number.isSafeInteger(value.term)) throw wireError("a greeting with a bad term");
	return value as unknown as Hello;
}

function parse(body: Buffer): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(body.toString("utf8"));
		if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
	} catch (cause) {
		throw wireError(`a greeting that is not JSON (${String(cause)})`);
	}
	throw wireError("a greeting that is not an object");
}

/** The proof of one side, over both greetings exactly as they travelled. */
export function proof(key: Buffer, side: "source" | "target", sourceHello: Buffer, targetHello: Buffer): Buffer {
	const mac = createHmac("sha256", key).update(`opensafe replication ${side}\0`);
	for (const part of [sourceHello, targetHello]) mac.update(`${part.length}\0`).update(part);
	return mac.digest();
}

/** A proof as it travels. */
export function readProof(body: Buffer): Buffer {
	const { proof } = parse(body);
	if (typeof proof !== "string" || !/^[0-9a-f]{64}$/.test(proof)) throw wireError("a proof that is none");
	return Buffer.from(proof, "hex");
}

export function sameProof(a: Buffer, b: Buffer): boolean {
	return a.length === b.length && timingSafeEqual(a, b);
}

/** The keys of the two directions of one connection. */
export function connectionKeys(
	key: Buffer,
	sourceHello: Buffer,
	targetHello: Buffer,
): { fromSource: Buffer; fromTarget: Buffer } {
	const salt = createHmac("sha256", "").update(sourceHello).update("\0").update(targetHello).digest();
	const derive = (info: string): Buffer => Buffer.from(hkdfSync("sha256", key, salt, info, 32));
	return { fromSource: derive("opensafe source to target"), fromTarget: derive("opensafe target to source") };
}

/** Why these two cannot have a session, or null. Compared on both sides, after the proofs. */
export function mismatch(own: Hello, other: Hello): string | null {
	if (other.protocol !== protocol) return `the other side speaks protocol ${other.protocol}, this one ${protocol}`;
	if (other.module !== own.module)
		return `the other side replicates the module ${other.module}, this one ${own.module}`;
	if (other.node !== own.peer || other.peer !== own.node)
		return `the other side is ${other.node} and expects ${other.peer}; this is ${own.node} and expects ${own.peer}`;
	if (other.source === own.source) return `both sides want to be the ${own.source ? "source" : "target"}`;
	if (other.term !== own.term) return `the other side is in term ${other.term}, this one in ${own.term}`;
	if (other.outcome !== own.outcome) return `the other side decided ${other.outcome}, this one ${own.outcome}`;
	return null;
}
