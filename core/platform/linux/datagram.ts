/** Datagrams to unix sockets (systemd's notifications, the system log), which Node does not offer. */
import type { DatagramSender } from "../../log/syslog.ts";
import { native } from "./native.ts";

const c = {
	socket: native("int socket(int, int, int)"),
	sendto: native("int64_t sendto(int, const void *, uint64_t, int, const void *, uint32_t)"),
	close: native("int close(int)"),
};
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** One socket for all receivers. A name that starts with `@` is in the abstract namespace, as systemd writes it. */
export class UnixDatagrams implements DatagramSender {
	readonly #fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/** False if nobody listens or its queue is full: nothing is ever waited for. */
	send(socketPath: string, data: Buffer): boolean {
		const name = Buffer.from(socketPath.startsWith("@") ? `\0${socketPath.slice(1)}` : `${socketPath}\0`);
		if (this.#fd < 0 || name.length > 108) return false;
		const address = Buffer.alloc(2 + name.length);
		address.writeUInt16LE(AF_UNIX);
		name.copy(address, 2);
		const sent = c.sendto(this.#fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length);
		return Number(sent) === data.length;
	}

	close(): void {
		c.close(this.#fd);
	}
}
