/**
 * What two replication processes say of themselves when they meet, inside TLS 1.3 with the module's key
 * (link/tlsEngine.ts): who they are and which session they mean. The source speaks first, the target answers, and
 * each of them ends its side of TLS with its last word. Pure: bytes in, bytes out.
 */
import type { MeetingOutcome } from "../../engine/replication.ts";
import { wireError } from "./bytes.ts";

export const protocol = 4;
/** Bytes of a greeting, at most. */
export const maxHello = 4096;
/** Connections of one link, at most (`nbremconn`, spec/06 §2). */
export const maxConnections = 16;

/** What one side says of itself. */
export interface Hello {
	protocol: number;
	module: string;
	node: string;
	peer: string;
	term: number;
	source: boolean;
	outcome: MeetingOutcome;
	/** Of the replication process of the target; empty in the first hello of a session. */
	incarnation: string;
	/** Source: go on with the session of that incarnation. Target: the last number received, null where that is impossible. */
	resume: boolean;
	received: number | null;
	/** This side wants the data encrypted: it is, when one of both does. */
	sealed: boolean;
	/** TCP connections for the data; that of the source counts. */
	connections: number;
	/** Set by a target that cannot take this session at all, for the log of the source. */
	refusal: string;
}

const shape: Record<keyof Hello, string> = {
	protocol: "number",
	module: "string",
	node: "string",
	peer: "string",
	term: "number",
	source: "boolean",
	outcome: "string",
	incarnation: "string",
	resume: "boolean",
	received: "object",
	sealed: "boolean",
	connections: "number",
	refusal: "string",
};

/** A greeting as it travels: JSON, ended by the end of TLS. */
export function encodeHello(hello: Hello): Buffer {
	return Buffer.from(JSON.stringify(hello), "utf8");
}

/** A greeting from outside: unknown fields are refused, strings and numbers are bounded. */
export function readHello(body: Buffer): Hello {
	if (body.length > maxHello) throw wireError(`a greeting of ${body.length} bytes`);
	const value = parse(body);
	// The fields of another protocol may be others: that is said first.
	if (value.protocol !== protocol && Number.isSafeInteger(value.protocol))
		throw wireError(`the other side speaks protocol ${String(value.protocol)}, this one ${protocol}`);
	for (const [key, type] of Object.entries(shape)) {
		const field = value[key];
		const fits = key === "received" ? field === null || Number.isSafeInteger(field) : typeof field === type;
		if (!fits || (typeof field === "string" && field.length > 256)) throw wireError(`a greeting with a bad ${key}`);
	}
	if (Object.keys(value).length !== Object.keys(shape).length) throw wireError("a greeting with unknown fields");
	if (!Number.isSafeInteger(value.term)) throw wireError("a greeting with a bad term");
	const connections = value.connections as number;
	if (!Number.isInteger(connections) || connections < 1 || connections > maxConnections)
		throw wireError("a greeting with a bad number of connections");
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

/** Why these two cannot have a session, or null. Compared on both sides. */
export function mismatch(own: Hello, other: Hello): string | null {
	if (other.module !== own.module)
		return `the other side replicates the module ${other.module}, this one ${own.module}`;
	if (other.node !== own.peer || other.peer !== own.node)
		return `the other side is ${other.node} and expects ${other.peer}; this is ${own.node} and expects ${own.peer}`;
	if (other.source === own.source) return `both sides want to be the ${own.source ? "source" : "target"}`;
	if (other.term !== own.term) return `the other side is in term ${other.term}, this one in ${own.term}`;
	if (other.outcome !== own.outcome) return `the other side decided ${other.outcome}, this one ${own.outcome}`;
	return null;
}
