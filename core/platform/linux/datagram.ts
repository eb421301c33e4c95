/** Datagrams to unix sockets (systemd's notifications, the system log), which Node does not offer. */
import koffi from "koffi";
import type { DatagramSender } from "../../log/syslog.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** One socket for all receivers. A name that starts with `@` is in the abstract namespace, as systemd writes it. */
export class UnixDatagrams implements DatagramSender {
	readonly #fd: number;
	readonly #sendto: (fd: number, data: Buffer, size: number, flags: number, to: Buffer, toSize: number) => number;
	readonly #close: (fd: number) => number;

	constructor() {
		const libc = koffi.load("libc.so.6");
		this.#sendto = libc.func("ssize_t sendto(int, const void *, size_t, int, const void *, uint32_t)");
		this.#close = libc.func("int close(int)");
		this.#fd = libc.func("int socket(int, int, int)")(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}

	/** False if nobody listens or its queue is full: nothing is ever waited for. */
	send(socketPath: string, data: Buffer): boolean {
		const name = Buffer.from(socketPath.startsWith("@") ? `\0${socketPath.slice(1)}` : `${socketPath}\0`);
		if (this.#fd < 0 || name.length > 108) return false;
		const address = Buffer.alloc(2 + name.length);
		address.writeUInt16LE(AF_UNIX);
		name.copy(address, 2);
		const sent = this.#sendto(this.#fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length);
		return sent === data.length;
	}

	close(): void {
		this.#close(this.#fd);
	}
}
