/** One question to the kernel over netlink, and what it answers: the socket is closed by then. */
import { native, orErrno } from "./native.ts";

const [AF_NETLINK, SOCK_RAW, SOCK_CLOEXEC, MSG_DONTWAIT] = [16, 3, 0o2000000, 0x40];
export const NLMSG_ERROR = 2;
const EAGAIN = 11;

const c = {
	socket: native("int socket(int, int, int)"),
	send: native("int64_t send(int, const void *, uint64_t, int)"),
	recv: native("int64_t recv(int, void *, uint64_t, int)"),
	close: native("int close(int)"),
};
const buffer = Buffer.alloc(65_536);

/**
 * Sends the messages of `request` to a family of netlink, such as 0 for routes. `read` may ask for datagrams of the answer
 * as long as there are any; each stands in the buffer until the next; null: there is no more. Throws with the errno.
 */
export function askKernel<T>(family: number, request: Buffer, read: (next: () => Buffer | null) => T): T {
	const fd = orErrno(c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family));
	if (fd < 0) throw new Error(`no netlink socket: errno ${-fd}`);
	try {
		const sent = Number(orErrno(c.send(fd, request, request.length, 0)));
		if (sent < 0) throw new Error(`the kernel did not take a question: errno ${-sent}`);
		// The kernel answers before send returns.
		return read(() => {
			const got = Number(orErrno(c.recv(fd, buffer, buffer.length, MSG_DONTWAIT)));
			if (got === -EAGAIN) return null;
			if (got <= 0) throw new Error(`the kernel did not answer: errno ${-got}`);
			return buffer.subarray(0, got);
		});
	} finally {
		c.close(fd);
	}
}
