/** Echo requests (ICMP and ICMPv6) from Node, without the ping command, which minimal systems lack. */
import { randomBytes } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { addressBytes } from "./frames.ts";
import { native, orErrno } from "./native.ts";

const [AF_INET, AF_INET6, SOCK_RAW, SOCK_CLOEXEC] = [2, 10, 3, 0o2000000];
const [ICMP, ICMPV6, MSG_DONTWAIT] = [1, 58, 0x40];

const c = {
	socket: native("int socket(int, int, int)"),
	sendto: native("int64_t sendto(int, const void *, uint64_t, int, const void *, uint32_t)"),
	recvfrom: native("int64_t recvfrom(int, void *, uint64_t, int, void *, void *)"),
	close: native("int close(int)"),
};

/** Answers come within this time in nearly every network. */
const soonMs = 250;

/** True if `addr` (a literal address) answers within `timeoutMs`; asks three times. Needs CAP_NET_RAW. */
export async function ping(addr: string, timeoutMs: number): Promise<boolean> {
	if (!isIPv4(addr) && !isIPv6(addr)) return false;
	const four = isIPv4(addr);
	const fd = orErrno(c.socket(four ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, four ? ICMP : ICMPV6));
	if (fd < 0) throw new Error(`no raw socket for ping: errno ${-fd}`);
	try {
		const token = randomBytes(16);
		const to = destination(addr, four);
		const begin = performance.now();
		for (let sent = 0; performance.now() - begin < timeoutMs; ) {
			if (performance.now() - begin >= (sent * timeoutMs) / 3) {
				const request = echoRequest(four, sent++, token);
				// An error (no route, interface down) may pass: the next request is sent all the same.
				c.sendto(fd, request, request.length, MSG_DONTWAIT, to, to.length);
			}
			if (answered(fd, four, addr, token)) return true;
			// What did not answer soon is looked for less often: a checker waits so for seconds, again and again.
			await sleep(performance.now() - begin < soonMs ? 5 : 25);
		}
		return answered(fd, four, addr, token);
	} finally {
		c.close(fd);
	}
}

function destination(addr: string, four: boolean): Buffer {
	const out = Buffer.alloc(four ? 16 : 28);
	out.writeUInt16LE(four ? AF_INET : AF_INET6, 0);
	addressBytes(addr).copy(out, four ? 4 : 8);
	return out;
}

/** The kernel fills in the checksum for ICMPv6 only. */
function echoRequest(four: boolean, sequence: number, token: Buffer): Buffer {
	const request = Buffer.concat([Buffer.from([four ? 8 : 128, 0, 0, 0, 0, 0, 0, sequence]), token]);
	if (!four) return request;
	let sum = 0;
	for (let at = 0; at < request.length; at += 2) sum += request.readUInt16BE(at);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	request.writeUInt16BE(~sum & 0xffff, 2);
	return request;
}

const packet = Buffer.alloc(256);
const from = Buffer.alloc(28);
const fromLength = Buffer.alloc(4);

/** Empties the socket's queue; true if our answer was in it, from the address that was asked. */
function answered(fd: number, four: boolean, addr: string, token: Buffer): boolean {
	for (;;) {
		fromLength.writeUInt32LE(from.length);
		const got = Number(c.recvfrom(fd, packet, packet.length, MSG_DONTWAIT, from, fromLength));
		if (got < 0) return false;
		// An IPv4 raw socket shows the IP header too.
		const at = four ? ((packet[0] ?? 0) & 15) * 4 : 0;
		if (got < at + 8 + token.length || packet[at] !== (four ? 0 : 129)) continue;
		const source = four ? from.subarray(4, 8) : from.subarray(8, 24);
		if (source.equals(addressBytes(addr)) && packet.subarray(at + 8, at + 24).equals(token)) return true;
	}
}
