/** Connections that the kernel tracks (ctnetlink): also those that it passes on to containers. */
import type { TrackedClient } from "../../vip/addresses.ts";
import { addressBytes, addressText } from "./frames.ts";
import { message, NETLINK_NETFILTER } from "./netfilter.ts";
import { answersOf, attributesOf, INTERRUPTED, messagesOf, NLMSG_DONE, NLMSG_ERROR } from "./netlink.ts";

const [CT_NEW, CT_GET, REQUEST_DUMP, AF_UNSPEC, IPPROTO_TCP] = [0x100, 0x101, 0x301, 0, 6];
const [CTA_TUPLE_ORIG, CTA_TUPLE_IP, CTA_TUPLE_PROTO] = [1, 1, 2];
const [CTA_IP_V4_SRC, CTA_IP_V4_DST, CTA_IP_V6_SRC, CTA_IP_V6_DST] = [1, 2, 3, 4];
const [CTA_PROTO_NUM, CTA_PROTO_SRC_PORT] = [1, 2];
const maxConnections = 300_000;
const nothing = Buffer.alloc(0);

/**
 * Clients of all connections of TCP to one of the addresses; null if the kernel tracks too many, or changes its table. Throws if it cannot say.
 * Its own filter by address (CTA_FILTER) is not used: for IPv6 it leaves out what it should name, as of Linux 6.18.
 */
export async function trackedClients(addresses: readonly string[]): Promise<TrackedClient[] | null> {
	const wanted = addresses.map(addressBytes);
	const clients: TrackedClient[] = [];
	let seen = 0;
	for await (const datagram of answersOf(NETLINK_NETFILTER, message(CT_GET, REQUEST_DUMP, AF_UNSPEC, 0, []))) {
		for (const { kind, flags, body } of messagesOf(datagram)) {
			if ((flags & INTERRUPTED) !== 0) return null;
			if (kind === NLMSG_DONE) return clients;
			if (kind === NLMSG_ERROR) throw new Error(`the kernel names no connections: errno ${-body.readInt32LE(0)}`);
			const client = kind === CT_NEW ? clientOf(body, wanted) : null;
			if (client !== null) clients.push(client);
			if (++seen > maxConnections) return null;
		}
	}
	throw new Error("the kernel did not name all of its connections");
}

function clientOf(body: Buffer, wanted: readonly Buffer[]): TrackedClient | null {
	const tuple = attributesOf(attributesOf(body, 4).get(CTA_TUPLE_ORIG) ?? nothing);
	const ip = attributesOf(tuple.get(CTA_TUPLE_IP) ?? nothing);
	const to = ip.get(CTA_IP_V4_DST) ?? ip.get(CTA_IP_V6_DST);
	if (to === undefined || !wanted.some((addr) => addr.equals(to))) return null;
	const proto = attributesOf(tuple.get(CTA_TUPLE_PROTO) ?? nothing);
	const [from, port] = [ip.get(CTA_IP_V4_SRC) ?? ip.get(CTA_IP_V6_SRC), proto.get(CTA_PROTO_SRC_PORT)];
	if (proto.get(CTA_PROTO_NUM)?.[0] !== IPPROTO_TCP || from === undefined || port === undefined) return null;
	return { addr: addressText(from), port: port.readUInt16BE(0) };
}
