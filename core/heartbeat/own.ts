/**
 * What keeps the lease of a farm's filter alive where no pulse gets onto the cable: the kernel keeps those back for as long
 * as it does not find the other nodes, and a server that is the last one must go on.
 */
import { createSocket, type Socket } from "node:dgram";

const here = "127.0.0.1";
const word = Buffer.from([0]);

export class OwnPulses {
	readonly #port: number;
	#socket: Socket | null = null;
	#due: NodeJS.Immediate | undefined;

	/** `port`: of the group's pulses. */
	constructor(port: number) {
		this.#port = port;
	}

	/** A pulse has left: one of its own follows, for all that leave in one turn. Nobody listens. */
	follow(): void {
		this.#due ??= setImmediate(() => {
			this.#due = undefined;
			this.#send();
		});
	}

	#send(): void {
		this.#socket ??= createSocket("udp4")
			.on("error", () => this.close())
			.unref();
		this.#socket.send(word, this.#port, here, () => undefined);
	}

	close(): void {
		clearImmediate(this.#due);
		this.#due = undefined;
		this.#socket?.removeAllListeners();
		// Node reports failures of earlier sends on a closing socket too.
		this.#socket?.on("error", () => undefined);
		this.#socket?.close();
		this.#socket = null;
	}
}
