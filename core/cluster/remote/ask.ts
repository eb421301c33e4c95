/** Gives one command to one other server, and hears what it says. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { asSafekitError, SafekitError } from "../../errors.ts";
import { callWithKey, isProven, isWrongKey, type SharedKey } from "../keyTls.ts";
import { checkCode } from "./keys.ts";
import { limits } from "./limits.ts";
import { Lines, listen, speak } from "./lines.ts";
import type { Target } from "./targets.ts";

export interface Request {
	argv: string[];
	/** SAFEMODULE of who gives the command. */
	module: string | undefined;
	/** What comes along: a configuration, a package. */
	body?: Buffer;
}

export interface Answer {
	code: number;
	/** Of this connection; see keys.ts. */
	check: string;
}

export interface Saying {
	out(text: string): void;
	err(text: string): void;
}

const pieceBytes = 64 * 1024;
/** What the system says of a server that is not there, in words. */
const reasons: Record<string, string> = {
	ECONNREFUSED: "nothing listens there",
	EHOSTUNREACH: "no way leads there",
	ENETUNREACH: "no way leads there",
	ETIMEDOUT: "it does not answer",
	ENOTFOUND: "the name is unknown",
	EAI_AGAIN: "the name service does not answer",
};

/**
 * Resolves with the exit code of the command there. `signal` ends the conversation, not what the command has begun.
 * @throws SafekitError REMOTE_UNREACHED, REMOTE_KEY, REMOTE_SILENT, REMOTE_ENDED, REMOTE_LIMIT, REMOTE_WIRE.
 */
export async function askServer(
	target: Target,
	key: SharedKey,
	request: Request,
	saying: Saying,
	signal: AbortSignal,
): Promise<Answer> {
	const socket = await dialled(target, signal);
	const end = (): void => void socket.destroy();
	signal.addEventListener("abort", end, { once: true });
	try {
		const tls = await proven(target, socket, key);
		const check = checkCode(tls);
		return { code: await converse(target, tls, request, saying), check };
	} finally {
		signal.removeEventListener("abort", end);
		socket.destroy();
	}
}

/** `n2 (10.0.0.2:9010)`. */
export function nameOf({ node, server }: Target): string {
	const place = server.replace(/^https?:\/\//, "");
	return node === null ? place : `${node} (${place})`;
}

async function dialled(target: Target, signal: AbortSignal): Promise<Socket> {
	const socket = connect({ host: target.host, port: target.port, noDelay: true });
	const timer = setTimeout(() => {
		socket.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
	}, limits.connectMs);
	try {
		await once(socket, "connect", { signal });
		// What is wrong later is seen by who waits for it.
		socket.on("error", () => {});
		return socket.setKeepAlive(true, limits.aliveEveryMs);
	} catch (cause) {
		socket.on("error", () => {}).destroy();
		const { code = "", message } = cause as NodeJS.ErrnoException;
		throw new SafekitError("REMOTE_UNREACHED", `${nameOf(target)} is not reached: ${reasons[code] ?? message}.`, {
			cause,
		});
	} finally {
		clearTimeout(timer);
	}
}

async function proven(target: Target, socket: Socket, key: SharedKey): Promise<TLSSocket> {
	const tls = callWithKey(socket, key);
	const timer = setTimeout(() => tls.destroy(new Error("no answer")), limits.handshakeMs);
	const broken = once(socket, "close").then(() => {
		throw new Error("the connection was broken off");
	});
	broken.catch(() => {});
	try {
		await Promise.race([once(tls, "secureConnect"), broken]);
		if (!isProven(tls)) throw new Error("the key was not asked for");
		tls.on("error", () => {});
		return tls;
	} catch (cause) {
		tls.on("error", () => {}).destroy();
		const why = isWrongKey(cause as Error)
			? "it does not hold the same key as this server"
			: "it has no cluster configuration, or another one";
		throw new SafekitError("REMOTE_KEY", `${nameOf(target)} takes no command from here: ${why}.`, { cause });
	} finally {
		clearTimeout(timer);
	}
}

function converse(target: Target, tls: TLSSocket, request: Request, saying: Saying): Promise<number> {
	const hearing = new Hearing(target, saying);
	return new Promise<number>((resolve, reject) => {
		let quiet = (): void => {};
		const deaf = listen(tls, () => {
			const message = `${nameOf(target)} has not been heard for ${limits.silenceMs / 1000} s.`;
			end(() => reject(new SafekitError("REMOTE_SILENT", message)));
		});
		const end = (how: () => void): void => {
			deaf();
			quiet();
			tls.destroy();
			how();
		};
		tls.on("data", (bytes: Buffer) => {
			try {
				const code = hearing.take(bytes);
				if (code !== null) end(() => resolve(code));
			} catch (error) {
				end(() => reject(asSafekitError(error)));
			}
		});
		tls.on("close", () => {
			const message = `The connection to ${nameOf(target)} ended before the command had.`;
			end(() => reject(new SafekitError("REMOTE_ENDED", message)));
		});
		send(tls, request).then(
			() => {
				if (!tls.destroyed) quiet = speak(tls);
			},
			() => tls.destroy(),
		);
	});
}

/** Reads what the server says, up to its exit code. */
class Hearing {
	readonly #target: Target;
	readonly #saying: Saying;
	readonly #lines = new Lines(limits.lineBytes);
	#bytes = 0;

	constructor(target: Target, saying: Saying) {
		this.#target = target;
		this.#saying = saying;
	}

	/** The exit code once it is there. */
	take(bytes: Buffer): number | null {
		for (const line of this.#split(bytes)) {
			const { o, e, x } = this.#frame(line);
			for (const text of [o, e]) if (typeof text === "string") this.#count(text);
			if (typeof o === "string") this.#saying.out(o);
			if (typeof e === "string") this.#saying.err(e);
			if (Number.isInteger(x)) return (x as number) & 0xff;
		}
		return null;
	}

	#split(bytes: Buffer): string[] {
		try {
			return this.#lines.push(bytes);
		} catch (cause) {
			throw this.#tooMuch(cause);
		}
	}

	#count(text: string): void {
		this.#bytes += Buffer.byteLength(text);
		if (this.#bytes > limits.answerBytes) throw this.#tooMuch();
	}

	#tooMuch(cause?: unknown): SafekitError {
		const message = `${nameOf(this.#target)} says more than ${limits.answerBytes >> 20} MiB.`;
		return new SafekitError("REMOTE_LIMIT", message, { cause });
	}

	#frame(line: string): { o?: unknown; e?: unknown; x?: unknown } {
		try {
			const frame: unknown = JSON.parse(line);
			if (typeof frame === "object" && frame !== null) return frame;
		} catch {
			// Told below.
		}
		throw new SafekitError("REMOTE_WIRE", `${nameOf(this.#target)} says what this version does not understand.`);
	}
}

/** As fast as the network takes it: a package may be large. */
async function send(tls: TLSSocket, { argv, module, body = Buffer.alloc(0) }: Request): Promise<void> {
	tls.write(`${JSON.stringify({ argv, module, bytes: body.length })}\n`);
	const closed = new Promise((resolve) => tls.once("close", resolve));
	for (let at = 0; at < body.length && !tls.destroyed; at += pieceBytes) {
		const piece = body.subarray(at, at + pieceBytes);
		if (!tls.write(piece)) await Promise.race([new Promise((resolve) => tls.once("drain", resolve)), closed]);
	}
}
