/** Takes commands that other servers give, on connections that came in at the web service's port. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { z } from "zod";
import { acceptWithKey, isProven, isWrongKey, type SharedKey } from "../keyTls.ts";
import { checkCode, invitationIdentity } from "./keys.ts";
import { limits } from "./limits.ts";
import { Lines, listen, speak } from "./lines.ts";

/** A command that came in. */
export interface Asked {
	argv: string[];
	module: string | undefined;
	body: Buffer;
	/** Of the server that gave it. */
	address: string;
	/** Null: it holds the cluster's key. Otherwise it has proven nothing: the check code of the connection. */
	invitation: string | null;
}

export interface Serving {
	/** The keys that count now; none: nobody is listened to. */
	keys(): Promise<SharedKey[]>;
	/** Answers on `socket` and ends it. */
	answer(socket: TLSSocket, asked: Asked): Promise<void>;
	report(message: string, error?: unknown): void;
}

const shape = z.object({
	argv: z.array(z.string()).max(1000),
	module: z.string().max(255).optional(),
	bytes: z.number().int().min(0),
});
/** Who tries other keys again and again fills no log. */
const reportEveryMs = 60_000;

export class CommandServer {
	readonly #serving: Serving;
	#open = 0;
	#invited = false;
	#reportedMs = Number.NEGATIVE_INFINITY;

	constructor(serving: Serving) {
		this.#serving = serving;
	}

	/** @param socket on which a first byte of TLS waits to be read. */
	accept(socket: Socket): void {
		if (this.#open >= limits.connections) return void socket.destroy();
		this.#open++;
		socket.on("close", () => this.#open--).on("error", () => socket.destroy());
		socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, limits.aliveEveryMs);
		this.#serving.keys().then(
			(keys) => (keys.length === 0 ? socket.destroy() : this.#shakeHands(socket, keys)),
			(error) => {
				this.#serving.report("commands of other servers cannot be taken", error);
				socket.destroy();
			},
		);
	}

	#shakeHands(socket: Socket, keys: readonly SharedKey[]): void {
		const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
		let used = "";
		const tls = acceptWithKey(socket, (identity) => {
			used = identity;
			return keys.find((known) => known.identity === identity)?.key ?? null;
		});
		const timer = setTimeout(() => socket.destroy(), limits.handshakeMs);
		const failed = (error: Error): void => {
			clearTimeout(timer);
			if (isWrongKey(error)) this.#tell(`${address} was refused: it gave a command with another cluster's key`);
			socket.destroy();
		};
		// A server's socket outside a tls.Server tells some errors only so.
		tls.on("error", failed).on("_tlsError", failed);
		tls.on("close", () => clearTimeout(timer));
		tls.on("secure", () => {
			clearTimeout(timer);
			if (!isProven(tls)) return void socket.destroy();
			this.#read(tls, address, used === invitationIdentity);
		});
	}

	#tell(message: string): void {
		if (performance.now() - this.#reportedMs < reportEveryMs) return;
		this.#reportedMs = performance.now();
		this.#serving.report(message);
	}

	/** The request and what comes along with it; then it is answered. */
	#read(tls: TLSSocket, address: string, invited: boolean): void {
		// One at a time: two first configurations must not meet.
		if (invited && this.#invited) return void tls.destroy();
		if (invited) this.#invited = true;
		const stops = [speak(tls), listen(tls, () => tls.destroy())];
		const timer = setTimeout(() => tls.destroy(), limits.requestMs);
		tls.on("end", () => tls.destroy());
		tls.on("close", () => {
			clearTimeout(timer);
			for (const stop of stops) stop();
			if (invited) this.#invited = false;
		});
		const invitation = invited ? checkCode(tls) : null;
		const reading = new Reading(invited ? limits.strangerBytes : limits.bodyBytes);
		const take = (bytes: Buffer): void => {
			const request = reading.push(bytes);
			if (request === "broken") return void tls.destroy();
			if (reading.isKnown) clearTimeout(timer);
			if (request === null) return;
			tls.off("data", take);
			const { argv, module, body } = request;
			this.#serving.answer(tls, { argv, module, body, address, invitation }).catch((error) => {
				this.#serving.report("a command of another server failed", error);
				tls.destroy();
			});
		};
		tls.on("data", take);
	}
}

/** Puts a request together. */
class Reading {
	readonly #lines = new Lines(limits.requestBytes);
	#request: z.infer<typeof shape> | null = null;
	readonly #most: number;
	#body: Buffer[] = [];
	#missing = 0;

	/** @param most bytes that may come along. */
	constructor(most: number) {
		this.#most = most;
	}

	/** The request itself is there. */
	get isKnown(): boolean {
		return this.#request !== null;
	}

	/** Null: something is missing yet. */
	push(bytes: Buffer): { argv: string[]; module: string | undefined; body: Buffer } | "broken" | null {
		let rest = bytes;
		if (this.#request === null) {
			const end = bytes.indexOf("\n");
			const head = end < 0 ? bytes : bytes.subarray(0, end + 1);
			try {
				const [line] = this.#lines.push(head);
				if (line === undefined) return null;
				this.#request = shape.parse(JSON.parse(line));
			} catch {
				return "broken";
			}
			if (this.#request.bytes > this.#most) return "broken";
			this.#missing = this.#request.bytes;
			rest = bytes.subarray(head.length);
		}
		const part = rest.subarray(0, this.#missing);
		this.#body.push(part);
		this.#missing -= part.length;
		if (this.#missing > 0) return null;
		const { argv, module } = this.#request;
		return { argv, module, body: Buffer.concat(this.#body) };
	}
}
