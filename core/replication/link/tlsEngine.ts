/**
 * TLS 1.3 for the links of the data thread, in a thread with an event loop: the handshake only, with the module's key
 * (core/cluster/keyTls.ts).
 */
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { acceptWithKey, callWithKey, isProven, isWrongKey, tlsFailure } from "../../cluster/keyTls.ts";
import { maxHello } from "../wire/handshake.ts";
import type { FromTls, LinkKeys, ToTls } from "./greeting.ts";

const identity = "opensafe replication";
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
		const key = this.#key;
		const socket =
			hello === null
				? acceptWithKey(carried, (name) => (name === identity ? key : null))
				: callWithKey(carried, { identity, key });
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
			// An end before that may come from anybody.
			if (!secure || !isProven(socket)) return failed(new Error("the handshake was not made with the module's key"));
			session.heard = true;
			this.#post({ tls, heard: Buffer.concat(said), keys: exportKeys(socket) });
		});
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
	if (isWrongKey(error)) return wrongKey;
	const failure = tlsFailure(error);
	return failure === null ? error.message : `the TLS handshake failed: ${failure}`;
}
