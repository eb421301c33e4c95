/** TCP sockets on raw descriptors, so that one poll loop can serve them beside /dev/fuse. */
import { isIPv6 } from "node:net";
import type { Or, SocketAddress, SocketCalls } from "../../replication/system.ts";
import { native, orErrno } from "./native.ts";

const c = {
	socket: native("int socket(int, int, int)"),
	bind: native("int bind(int, const void *, uint32_t)"),
	listen: native("int listen(int, int)"),
	accept4: native("int accept4(int, void *, void *, int)"),
	connect: native("int connect(int, const void *, uint32_t)"),
	getsockname: native("int getsockname(int, void *, void *)"),
	getsockopt: native("int getsockopt(int, int, int, void *, void *)"),
	setsockopt: native("int setsockopt(int, int, int, const void *, uint32_t)"),
	recv: native("int64_t recv(int, void *, uint64_t, int)"),
	send: native("int64_t send(int, const void *, uint64_t, int)"),
	shutdown: native("int shutdown(int, int)"),
};

const [inet, inet6, stream, nonBlocking, closeOnExec, noSignal] = [2, 10, 1, 0o4000, 0o2000000, 0x4000];
const addressBuffer = Buffer.alloc(128);
const lengthBuffer = Buffer.alloc(4);
const valueBuffer = Buffer.alloc(4);

/** sockaddr_in or sockaddr_in6. A `%zone` of an IPv6 address must be a number. */
function encode({ address, port }: SocketAddress): Buffer {
	if (!isIPv6(address)) {
		const out = Buffer.alloc(16);
		out.writeUInt16LE(inet, 0);
		out.writeUInt16BE(port, 2);
		for (const [index, part] of address.split(".").entries()) out[4 + index] = Number(part);
		return out;
	}
	const [plain = "", zone] = address.split("%");
	const out = Buffer.alloc(28);
	out.writeUInt16LE(inet6, 0);
	out.writeUInt16BE(port, 2);
	for (const [index, group] of expand(plain).entries()) out.writeUInt16BE(group, 8 + index * 2);
	out.writeUInt32LE(Number(zone ?? 0), 24);
	return out;
}

/** The eight groups of an IPv6 address, `::` and a dotted tail resolved. */
function expand(address: string): number[] {
	const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
	if (dotted !== null) {
		const [a = 0, b = 0, x = 0, y = 0] = dotted.slice(2).map(Number);
		return expand(`${dotted[1]}${(a * 256 + b).toString(16)}:${(x * 256 + y).toString(16)}`);
	}
	const [head = "", tail] = address.split("::");
	const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
	if (tail === undefined) return groups(head);
	const [before, after] = [groups(head), groups(tail)];
	return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function decode(b: Buffer): SocketAddress {
	const port = b.readUInt16BE(2);
	if (b.readUInt16LE(0) === inet) return { address: b.subarray(4, 8).join("."), port };
	const groups = Array.from({ length: 8 }, (_, index) => b.readUInt16BE(8 + index * 2).toString(16));
	return { address: groups.join(":"), port };
}

function setOption(fd: number, level: number, option: number, value: number): number {
	valueBuffer.writeInt32LE(value);
	return orErrno(c.setsockopt(fd, level, option, valueBuffer, 4));
}

export const socketCalls: SocketCalls = {
	tcpSocket(address) {
		const fd = orErrno(
			c.socket(isIPv6(address.split("%")[0] ?? "") ? inet6 : inet, stream | nonBlocking | closeOnExec, 0),
		);
		if (fd >= 0) setOption(fd, 6, 1, 1);
		return fd;
	},
	bind(fd, to) {
		const address = encode(to);
		return orErrno(c.bind(fd, address, address.length));
	},
	listen: (fd, backlog) => orErrno(c.listen(fd, backlog)),
	accept(fd): Or<{ fd: number; peer: SocketAddress }> {
		lengthBuffer.writeUInt32LE(addressBuffer.length);
		const accepted = orErrno(c.accept4(fd, addressBuffer, lengthBuffer, nonBlocking | closeOnExec));
		if (accepted < 0) return accepted;
		const peer = decode(addressBuffer);
		setOption(accepted, 6, 1, 1);
		return { fd: accepted, peer };
	},
	connect(fd, to) {
		const address = encode(to);
		return orErrno(c.connect(fd, address, address.length));
	},
	localAddress(fd) {
		lengthBuffer.writeUInt32LE(addressBuffer.length);
		const result = orErrno(c.getsockname(fd, addressBuffer, lengthBuffer));
		return result < 0 ? result : decode(addressBuffer);
	},
	socketError(fd) {
		lengthBuffer.writeUInt32LE(4);
		const result = orErrno(c.getsockopt(fd, 1, 4, valueBuffer, lengthBuffer));
		return result < 0 ? result : -valueBuffer.readInt32LE();
	},
	setOption,
	recv: (fd, into) => orErrno(c.recv(fd, into, into.length, 0)),
	send: (fd, from) => orErrno(c.send(fd, from, from.length, noSignal)),
	shutdown: (fd, how) => orErrno(c.shutdown(fd, how)),
};
