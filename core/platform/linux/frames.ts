/** Ethernet frames that ask for and announce addresses: ARP (RFC 826, 5227) and neighbour discovery (RFC 4861). Pure. */
import { isIPv4 } from "node:net";

export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;

/** Six bytes of `aa:bb:…`. */
export function macBytes(mac: string): Buffer {
	return Buffer.from(mac.replaceAll(":", ""), "hex");
}

/** The 4 or 16 bytes of an address that net.isIP accepts. */
export function addressBytes(addr: string): Buffer {
	if (isIPv4(addr)) return Buffer.from(addr.split(".").map(Number));
	// URL writes every form of an IPv6 address, a dotted tail too, as compressed groups.
	const compressed = new URL(`http://[${addr.split("%")[0]}]/`).hostname.slice(1, -1);
	const [head = "", tail] = compressed.split("::");
	const groups = (text: string) => (text === "" ? [] : text.split(":"));
	const [before, after] = [groups(head), groups(tail ?? "")];
	const zeros = new Array<string>(8 - before.length - after.length).fill("0");
	const bytes = Buffer.alloc(16);
	for (const [index, group] of [...before, ...zeros, ...after].entries()) {
		bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
	}
	return bytes;
}

/** The other way round; IPv6 compressed. */
export function addressText(bytes: Buffer): string {
	if (bytes.length === 4) return bytes.join(".");
	const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(":");
	return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
}

function ethernet(to: Buffer, from: Buffer, type: number, payload: Buffer): Buffer {
	const head = Buffer.alloc(14);
	to.copy(head, 0);
	from.copy(head, 6);
	head.writeUInt16BE(type, 12);
	return Buffer.concat([head, payload]);
}

const broadcast = Buffer.alloc(6, 0xff);
const noMac = Buffer.alloc(6);

function arp(operation: 1 | 2, mac: Buffer, sender: Buffer, targetMac: Buffer, target: Buffer): Buffer {
	const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
	return ethernet(broadcast, mac, ETH_P_ARP, Buffer.concat([head, mac, sender, targetMac, target]));
}

/** "Who has `addr`?", with an empty sender so that no table changes. */
export function arpProbe(mac: string, addr: string): Buffer {
	return arp(1, macBytes(mac), Buffer.alloc(4), noMac, addressBytes(addr));
}

/** Gratuitous ARP in both forms, since systems differ in which one they believe. */
export function arpAnnouncements(mac: string, addr: string): Buffer[] {
	const [own, ip] = [macBytes(mac), addressBytes(addr)];
	return [arp(1, own, ip, noMac, ip), arp(2, own, ip, broadcast, ip)];
}

/** The MAC address of another machine that says in this frame that it has `addr`. */
export function arpOwner(frame: Buffer, addr: string, ownMac: string): string | null {
	if (frame.length < 42 || frame.readUInt16BE(12) !== ETH_P_ARP || frame.readUInt16BE(16) !== 0x0800) return null;
	if (!frame.subarray(28, 32).equals(addressBytes(addr))) return null;
	return otherMac(frame.subarray(22, 28), ownMac);
}

function otherMac(bytes: Buffer, ownMac: string): string | null {
	const mac = bytes.toString("hex").replace(/..(?=.)/g, "$&:");
	return mac === ownMac.toLowerCase() || mac === "00:00:00:00:00:00" ? null : mac;
}

function icmp6(from: Buffer, to: Buffer, body: Buffer): Buffer {
	const head = Buffer.alloc(40);
	head[0] = 0x60;
	head.writeUInt16BE(body.length, 4);
	head[6] = 58;
	head[7] = 255;
	from.copy(head, 8);
	to.copy(head, 24);
	const checked = Buffer.from(body);
	checked.writeUInt16BE(checksum6(from, to, body), 2);
	return Buffer.concat([head, checked]);
}

/** Over the pseudo header; the checksum field of `body` must be zero. */
function checksum6(from: Buffer, to: Buffer, body: Buffer): number {
	const pseudo = Buffer.alloc(8);
	pseudo.writeUInt32BE(body.length, 0);
	pseudo[7] = 58;
	const all = Buffer.concat([from, to, pseudo, body, Buffer.alloc(body.length % 2)]);
	let sum = 0;
	for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}

const allNodes = addressBytes("ff02::1");

/** The neighbour solicitation of duplicate address detection: from nobody, to the solicited-node group. */
export function neighbourProbe(mac: string, addr: string): Buffer {
	const target = addressBytes(addr);
	const group = Buffer.concat([addressBytes("ff02::1:ff00:0").subarray(0, 13), target.subarray(13)]);
	const body = Buffer.concat([Buffer.from([135, 0, 0, 0, 0, 0, 0, 0]), target]);
	const to = Buffer.concat([Buffer.from([0x33, 0x33]), group.subarray(12)]);
	return ethernet(to, macBytes(mac), ETH_P_IPV6, icmp6(Buffer.alloc(16), group, body));
}

/** Unsolicited neighbour advertisement to all nodes, with the override flag. */
export function neighbourAdvertisement(mac: string, addr: string): Buffer {
	const target = addressBytes(addr);
	const option = Buffer.concat([Buffer.from([2, 1]), macBytes(mac)]);
	const body = Buffer.concat([Buffer.from([136, 0, 0, 0, 0x20, 0, 0, 0]), target, option]);
	const to = Buffer.concat([Buffer.from([0x33, 0x33]), allNodes.subarray(12)]);
	return ethernet(to, macBytes(mac), ETH_P_IPV6, icmp6(target, allNodes, body));
}

/** The MAC address of another machine whose neighbour advertisement in this frame claims `addr`. */
export function neighbourOwner(frame: Buffer, addr: string, ownMac: string): string | null {
	if (frame.length < 78 || frame.readUInt16BE(12) !== ETH_P_IPV6 || frame[20] !== 58) return null;
	if (frame[54] !== 136 || !frame.subarray(62, 78).equals(addressBytes(addr))) return null;
	// A node may hide behind its own MAC address what it says under one that it shares.
	const named = frame.length >= 86 && frame[78] === 2 && frame[79] === 1;
	return otherMac(named ? frame.subarray(80, 86) : frame.subarray(6, 12), ownMac);
}
