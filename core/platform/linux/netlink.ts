/** One question to the kernel over netlink, and what it answers: the socket is closed by then. */
import { setImmediate as othersTurn } from "node:timers/promises";
import { socketCalls } from "./libcSockets.ts";
import { native, orErrno } from "./native.ts";

const [AF_NETLINK, SOCK_RAW, SOCK_CLOEXEC, MSG_DONTWAIT] = [16, 3, 0o2000000, 0x40];
export const [NLMSG_ERROR, NLMSG_DONE] = [2, 3];
/** A flag of answers: the kernel's table changed meanwhile, and may be named in part. */
export const INTERRUPTED = 0x10;
const EAGAIN = 11;
const [SOL_SOCKET, SO_SNDBUFFORCE] = [1, 32];
/** The usual send buffer takes more than that, but not much more: 208 kB. */
const usualBytes = 131_072;

const c = {
	socket: native("int socket(int, int, int)"),
	send: native("int64_t send(int, const void *, uint64_t, int)"),
	recv: native("int64_t recv(int, void *, uint64_t, int)"),
	close: native("int close(int)"),
};
const headerBytes = 16;
const datagramBytes = 65_536;
const buffer = Buffer.alloc(datagramBytes);

/**
 * Sends the messages of `request` to a family of netlink, such as 0 for routes. `read` may ask for datagrams of the answer
 * as long as there are any; each stands in the buffer until the next; null: there is no more. Throws with the errno.
 */
export function askKernel<T>(family: number, request: Buffer, read: (next: () => Buffer | null) => T): T {
	const fd = asked(family, request);
	try {
		return read(() => received(fd, buffer));
	} finally {
		c.close(fd);
	}
}

/** The same for long answers: the rest of the process goes on meanwhile. A datagram stands until the next is asked for. */
export async function* answersOf(family: number, request: Buffer): AsyncGenerator<Buffer, void, undefined> {
	const own = Buffer.alloc(datagramBytes);
	const fd = asked(family, request);
	try {
		for (let got = received(fd, own); got !== null; got = received(fd, own)) {
			yield got;
			await othersTurn();
		}
	} finally {
		c.close(fd);
	}
}

/** A socket on which the answer is there already: the kernel answers before send returns. */
function asked(family: number, request: Buffer): number {
	const fd = orErrno(c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family));
	if (fd < 0) throw new Error(`no netlink socket: errno ${-fd}`);
	// The kernel refuses what is larger than the buffer. Where it may not grow, the question may fit all the same.
	if (request.length > usualBytes) socketCalls.setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, request.length);
	const sent = Number(orErrno(c.send(fd, request, request.length, 0)));
	if (sent >= 0) return fd;
	c.close(fd);
	throw new Error(`the kernel did not take a question: errno ${-sent}`);
}

function received(fd: number, into: Buffer): Buffer | null {
	const got = Number(orErrno(c.recv(fd, into, into.length, MSG_DONTWAIT)));
	if (got === -EAGAIN) return null;
	if (got <= 0) throw new Error(`the kernel did not answer: errno ${-got}`);
	return into.subarray(0, got);
}

export interface Message {
	kind: number;
	flags: number;
	/** What follows its header. */
	body: Buffer;
}

/** The messages of a datagram. Throws if one does not fit into it: what follows would be passed over in silence. */
export function messagesOf(datagram: Buffer): Message[] {
	const found: Message[] = [];
	for (let at = 0; at + headerBytes <= datagram.length; ) {
		const length = datagram.readUInt32LE(at);
		if (length < headerBytes || at + length > datagram.length) throw new Error("the kernel's answer is cut off");
		const [kind, flags] = [datagram.readUInt16LE(at + 4), datagram.readUInt16LE(at + 6)];
		found.push({ kind, flags, body: datagram.subarray(at + headerBytes, at + length) });
		at += align(length);
	}
	return found;
}

/** By type, from a place in a message or in another attribute. */
export function attributesOf(body: Buffer, from = 0): Map<number, Buffer> {
	const found = new Map<number, Buffer>();
	for (let at = from; at + 4 <= body.length; ) {
		const length = body.readUInt16LE(at);
		if (length < 4 || at + length > body.length) break;
		found.set(body.readUInt16LE(at + 2) & 0x3fff, body.subarray(at + 4, at + length));
		at += align(length);
	}
	return found;
}

function align(length: number): number {
	return (length + 3) & ~3;
}
