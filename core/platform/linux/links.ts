/** Interfaces and addresses of this machine, asked of the kernel itself (rtnetlink): no program is started for a look. */
import type { LocalAddress, LocalInterface } from "../../vip/addresses.ts";
import { addressText } from "./frames.ts";
import { askKernel, attributesOf, INTERRUPTED, messagesOf, NLMSG_DONE, NLMSG_ERROR } from "./netlink.ts";

const [NETLINK_ROUTE, AF_INET, AF_INET6] = [0, 2, 10];
const [RTM_GETLINK, RTM_GETADDR] = [18, 22];
const REQUEST_DUMP = 0x301;
const [IFF_UP, IFF_LOOPBACK, IFF_LOWER_UP, ARPHRD_ETHER] = [1, 8, 0x10000, 1];
const [IFLA_ADDRESS, IFLA_IFNAME, IFA_ADDRESS, IFA_LOCAL, IFA_LABEL] = [1, 3, 1, 2, 3];
/** A look during which the kernel's tables changed is repeated so often. */
const attempts = 5;

/** All interfaces with their addresses. Throws with the errno. */
export function readInterfaces(): LocalInterface[] {
	const links = dump(RTM_GETLINK, 16).map(interfaceOf);
	const byIndex = new Map(links.map((link) => [link.index, link]));
	for (const message of dump(RTM_GETADDR, 8)) {
		const address = addressOf(message);
		if (address !== null) byIndex.get(message.readUInt32LE(4))?.addresses.push(address);
	}
	return links;
}

/** The bodies of all messages with which the kernel answers, without their headers. */
function dump(type: number, bodyBytes: number): Buffer[] {
	for (let attempt = 1; ; attempt++) {
		const answer = dumpOnce(type, bodyBytes);
		if (answer !== null) return answer;
		if (attempt === attempts) throw new Error("the interfaces of this machine change faster than they can be read");
	}
}

/** Null: something changed meanwhile, the answer may be neither the old nor the new. */
function dumpOnce(type: number, bodyBytes: number): Buffer[] | null {
	const request = Buffer.alloc(16 + bodyBytes);
	request.writeUInt32LE(request.length, 0);
	request.writeUInt16LE(type, 4);
	request.writeUInt16LE(REQUEST_DUMP, 6);
	return askKernel(NETLINK_ROUTE, request, receive);
}

function receive(next: () => Buffer | null): Buffer[] | null {
	const bodies: Buffer[] = [];
	for (;;) {
		const answer = next();
		if (answer === null) throw new Error("the kernel did not name all of its interfaces");
		for (const { kind, flags, body } of messagesOf(answer)) {
			if ((flags & INTERRUPTED) !== 0) return null;
			if (kind === NLMSG_DONE) return bodies;
			if (kind === NLMSG_ERROR) throw new Error(`the kernel refused: errno ${-body.readInt32LE(0)}`);
			bodies.push(Buffer.from(body));
		}
	}
}

function interfaceOf(body: Buffer): LocalInterface {
	const flags = body.readUInt32LE(8);
	const found = attributesOf(body, 16);
	const loopback = (flags & IFF_LOOPBACK) !== 0;
	const mac = body.readUInt16LE(2) === ARPHRD_ETHER ? found.get(IFLA_ADDRESS) : undefined;
	return {
		name: textOf(found.get(IFLA_IFNAME)),
		index: body.readInt32LE(4),
		mac: mac === undefined ? "" : [...mac].map((byte) => byte.toString(16).padStart(2, "0")).join(":"),
		up: (flags & IFF_UP) !== 0 && (loopback || (flags & IFF_LOWER_UP) !== 0),
		loopback,
		addresses: [],
	};
}

function addressOf(body: Buffer): LocalAddress | null {
	const family = body[0];
	if (family !== AF_INET && family !== AF_INET6) return null;
	const found = attributesOf(body, 8);
	// On a link between two points IFA_ADDRESS is the other one's.
	const bytes = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
	if (bytes === undefined) return null;
	const addr = addressText(bytes);
	if (family === AF_INET) return { addr, prefix: body[1] ?? 0, family: 4, label: textOf(found.get(IFA_LABEL)) };
	return { addr, prefix: body[1] ?? 0, family: 6, label: "" };
}

function textOf(bytes: Buffer | undefined): string {
	return bytes === undefined ? "" : bytes.toString("utf8").replace(/\0.*$/s, "");
}
