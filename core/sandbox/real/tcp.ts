/** A TCP (or TLS) connection of a checker: what comes is kept up to 1 MiB, until it is asked for. */
import { connect as plain, type Socket } from "node:net";
import { type ConnectionOptions, connect as secure } from "node:tls";
import { bodyLimit, type TcpLine, type TcpReceive, type TcpRequest, type TlsOptions } from "../outside.ts";
import type { Judge } from "../permissions.ts";
import { addressesOf, fixed } from "./places.ts";

export function tlsOptions({ ca, servername, verify }: TlsOptions): ConnectionOptions {
	return {
		rejectUnauthorized: verify !== false,
		...(ca === undefined ? {} : { ca }),
		...(servername === undefined ? {} : { servername }),
	};
}

export async function tcp(judge: Judge, { host, port, timeoutMs, tls }: TcpRequest): Promise<TcpLine> {
	const endMs = performance.now() + timeoutMs;
	const to = { host, port, lookup: fixed(await addressesOf(judge, host, port, timeoutMs)) };
	const socket = tls === null ? plain(to) : secure({ servername: host, ...to, ...tlsOptions(tls) });
	const line = new Line(socket);
	const ready = tls === null ? "connect" : "secureConnect";
	const opened = new Promise<void>((resolve, reject) => {
		socket.once(ready, resolve);
		socket.once("error", reject);
	});
	try {
		await within(endMs - performance.now(), opened);
	} catch (error) {
		line.close();
		throw error;
	}
	return line;
}

class Line implements TcpLine {
	readonly #socket: Socket;
	#kept = Buffer.alloc(0);
	#over = false;
	#error: Error | null = null;
	#changed = (): void => {};

	constructor(socket: Socket) {
		this.#socket = socket;
		socket.on("data", (part: Buffer) => {
			this.#kept = Buffer.concat([this.#kept, part]);
			if (this.#kept.length >= bodyLimit) socket.pause();
			this.#changed();
		});
		socket.on("error", (error) => {
			this.#error = error;
		});
		for (const end of ["end", "close"]) {
			socket.on(end, () => {
				this.#over = true;
				this.#changed();
			});
		}
	}

	async send(data: string, timeoutMs: number): Promise<void> {
		const sent = new Promise<void>((resolve, reject) => {
			this.#socket.write(data, (error) => (error ? reject(error) : resolve()));
		});
		await within(timeoutMs, sent);
	}

	async receive({ until, bytes, timeoutMs }: TcpReceive): Promise<string> {
		const endMs = performance.now() + timeoutMs;
		for (;;) {
			const length = this.#wanted(until, bytes);
			if (length !== null) {
				const taken = this.#kept.subarray(0, length).toString("utf8");
				this.#kept = Buffer.from(this.#kept.subarray(length));
				this.#socket.resume();
				return taken;
			}
			if (this.#error !== null) throw this.#error;
			const change = new Promise<void>((resolve) => {
				this.#changed = resolve;
			});
			await within(endMs - performance.now(), change);
		}
	}

	close(): void {
		this.#socket.destroy();
	}

	/** How much can be given now; null: wait for more. */
	#wanted(until: string | undefined, bytes: number | undefined): number | null {
		const { length } = this.#kept;
		if (until !== undefined) {
			const at = this.#kept.indexOf(until);
			if (at >= 0) return at + Buffer.byteLength(until);
		} else if (length >= (bytes ?? 1)) return bytes ?? length;
		if (length >= bodyLimit) throw new Error("over 1 MiB came without what was waited for");
		return this.#over && this.#error === null ? length : null;
	}
}

async function within<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
	}
}
