/**
 * TLS 1.3 for the links of the data thread, in a thread with an event loop: the handshake only. Both sides prove the
 * module's key as a pre-shared key with a fresh Diffie-Hellman exchange, so recorded traffic stays closed also to who
 * gets the key later. There are no certificates: a side without the key cannot complete the handshake.
 */
import { constants } from "node:crypto";
import { Duplex } from "node:stream";
import { connect, createSecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import { maxHello } from "../wire/handshake.ts";
import type { FromTls, LinkKeys, ToTls } from "./greeting.ts";

const identity = "opensafe replication";
const version = { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" } as const;
/** The suite of an external pre-shared key (RFC 8446 §4.2.11: its hash is SHA-256). */
const options = { ...version, ciphers: "TLS_AES_128_GCM_SHA256", allowHalfOpen: true };
/** More is never needed at once: four that are accepted and one that is dialled. */
const maxSessions = 16;

/** Said by both sides when the keys differ, with what to do about it. */
export const wrongKey =
	"the servers do not hold the same key for this module. Run `safekit cluster package FILE.zip` on the server whose " +
	"cluster is right, then `safekit cluster config FILE.zip` on the other one, and start the module again";

/** The bytes of one handshake, which travel through the data thread. */
class Carried extends Duplex {
	readonly #send: (bytes: Buffer) => void;

	constructor(send: (bytes: Buffer) => void) {
		super({ allowHalfOpen: true });
		this.#send = send;
	}

	override _read(): void {}

	override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
		this.#send(chunk);
		done();
	}
}

interface Session {
	carried: Carried;
	socket: TLSSocket;
	/** Everything that the other side has to say was heard: the end of TLS is no failure any more. */
	heard: boolean;
}

export class TlsEngine {
	readonly #key: Buffer;
	readonly #post: (message: FromTls) => void;
	readonly #sessions = new Map<number, Session>();

	/** @param key the module's replication key, 32 bytes. @param post to the data thread. */
	constructor(key: Buffer, post: (message: FromTls) => void) {
		this.#key = key;
		this.#post = post;
	}

	/** Handshakes that have not ended. */
	get size(): number {
		return this.#sessions.size;
	}

	take(message: ToTls): void {
		const { tls } = message;
		if ("open" in message) this.#open(tls, message.open);
		else if ("bytes" in message) this.#sessions.get(tls)?.carried.push(Buffer.from(message.bytes));
		else if ("answer" in message) this.#sessions.get(tls)?.socket.end(Buffer.from(message.answer));
		else this.#end(tls);
	}

	#open(tls: number, hello: Uint8Array | null): void {
		if (this.#sessions.size >= maxSessions) {
			this.#post({ tls, failed: "too many handshakes at a time" });
			return;
		}
		const carried = new Carried((bytes) => this.#post({ tls, bytes }));
		const socket = hello === null ? this.#accept(carried) : this.#call(carried);
		this.#sessions.set(tls, { carried, socket, heard: false });
		const failed = (error: Error): void => {
			// The alert of this side is on its way before the news.
			if (this.#sessions.get(tls)?.heard === false) this.#post({ tls, failed: reason(error) });
			this.#end(tls);
		};
		socket.on("error", failed);
		// A server's socket outside a tls.Server tells some errors only so, or only by closing.
		socket.on("_tlsError", failed);
		socket.on("close", () => failed(new Error("the other side broke the handshake off")));
		carried.on("error", failed);
		if (hello !== null) socket.on("secureConnect", () => socket.end(Buffer.from(hello)));
		this.#listen(tls, socket, failed);
	}

	/** What the other side says, up to the end of its TLS. */
	#listen(tls: number, socket: TLSSocket, failed: (error: Error) => void): void {
		const said: Buffer[] = [];
		let length = 0;
		let secure = false;
		socket.on("secure", () => {
			secure = true;
		});
		socket.on("data", (bytes: Buffer) => {
			said.push(bytes);
			length += bytes.length;
			if (length > maxHello) failed(new Error("a greeting that is too long"));
		});
		socket.on("end", () => {
			const session = this.#sessions.get(tls);
			if (session === undefined) return;
			// With a pre-shared key the handshake counts as resumed: nothing else proves the other side.
			// An end before that may come from anybody.
			if (!secure || !socket.isSessionReused())
				return failed(new Error("the handshake was not made with the module's key"));
			session.heard = true;
			this.#post({ tls, heard: Buffer.concat(said), keys: exportKeys(socket) });
		});
	}

	#call(carried: Carried): TLSSocket {
		return connect({
			...options,
			socket: carried,
			pskCallback: () => ({ psk: this.#key, identity }),
			checkServerIdentity: () => new Error("the other side showed a certificate instead of the module's key"),
		});
	}

	#accept(carried: Carried): TLSSocket {
		const withKey: TLSSocketOptions & { pskCallback: (socket: TLSSocket, name: string) => Buffer | null } = {
			...options,
			isServer: true,
			// Nothing follows the greeting: no ticket for a later session.
			secureContext: createSecureContext({ ...options, secureOptions: constants.SSL_OP_NO_TICKET }),
			pskCallback: (_socket, name) => (name === identity ? this.#key : null),
		};
		return new TLSSocket(carried, withKey);
	}

	#end(tls: number): void {
		const session = this.#sessions.get(tls);
		this.#sessions.delete(tls);
		session?.socket.destroy();
		session?.carried.destroy();
	}
}

function exportKeys(socket: TLSSocket): LinkKeys {
	const derive = (purpose: string): Buffer =>
		socket.exportKeyingMaterial(32, `EXPORTER-opensafe-replication ${purpose}`, Buffer.alloc(0));
	return { fromSource: derive("source"), fromTarget: derive("target"), join: derive("join") };
}

function reason(error: Error): string {
	const { code } = error as NodeJS.ErrnoException;
	if (code === "ERR_SSL_BINDER_DOES_NOT_VERIFY" || code === "ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR") return wrongKey;
	if (code?.startsWith("ERR_SSL_")) {
		const what = code.slice("ERR_SSL_".length).toLowerCase().replaceAll("_", " ");
		return `the TLS handshake failed: ${what}`;
	}
	return error.message;
}
