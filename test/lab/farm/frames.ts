/** Frames of a capture file (pcap, as tcpdump writes it), as far as the judge needs them. Pure. */

export interface Frame {
	/** Milliseconds since 1970. */
	atMs: number;
	/** Sender and receiver on the wire, `02:05:af:07:00:01`. */
	fromMac: string;
	toMac: string;
	proto: "tcp" | "udp" | "icmp" | "other";
	from: string;
	to: string;
	/** Ports of TCP and UDP, else 0. */
	fromPort: number;
	toPort: number;
	/** TCP: flags byte. */
	flags: number;
	/** TCP: sequence number. UDP: the first two bytes, where name servers have the number of the question. */
	sequence: number;
	/** TCP: what it acknowledges; 0 without. */
	acknowledged: number;
}

export const flag = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

const fileHeaderBytes = 24;
const recordHeaderBytes = 16;
const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const protocols: Record<number, Frame["proto"]> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmp" };

/**
 * Reads a capture with Ethernet frames. A record that was cut off at the end of the file is left out: tcpdump was
 * ended while it wrote. @throws Error when it is no such file.
 */
export function readFrames(file: Buffer): Frame[] {
	if (file.length < fileHeaderBytes || file.readUInt32LE(0) !== 0xa1b2c3d4 || file.readUInt32LE(20) !== 1)
		throw new Error("no capture of Ethernet frames");
	const frames: Frame[] = [];
	for (let at = fileHeaderBytes; at + recordHeaderBytes <= file.length; ) {
		const bytes = file.readUInt32LE(at + 8);
		const end = at + recordHeaderBytes + bytes;
		if (end > file.length) break;
		const atMs = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000;
		const frame = readFrame(atMs, file.subarray(at + recordHeaderBytes, end));
		if (frame !== null) frames.push(frame);
		at = end;
	}
	return frames;
}

/** Null for what is no IP packet, or too short to say what it is. */
function readFrame(atMs: number, bytes: Buffer): Frame | null {
	if (bytes.length < 14) return null;
	const [toMac, fromMac] = [mac(bytes, 0), mac(bytes, 6)];
	const head = ipHeader(bytes.readUInt16BE(12), bytes.subarray(14));
	if (head === null) return null;
	const { from, to, proto, payload } = head;
	const unknown = { fromPort: 0, toPort: 0, flags: 0, sequence: 0, acknowledged: 0 };
	const frame: Frame = { atMs, fromMac, toMac, proto, from, to, ...unknown };
	if ((proto === "tcp" || proto === "udp") && payload.length >= 4) {
		frame.fromPort = payload.readUInt16BE(0);
		frame.toPort = payload.readUInt16BE(2);
	}
	if (proto === "udp" && payload.length >= 10) frame.sequence = payload.readUInt16BE(8);
	if (proto === "tcp" && payload.length >= 14) {
		frame.sequence = payload.readUInt32BE(4);
		frame.flags = payload[13]!;
		if (frame.flags & flag.ack) frame.acknowledged = payload.readUInt32BE(8);
	}
	return frame;
}

function ipHeader(type: number, bytes: Buffer) {
	if (type === etherTypes.ipv4 && bytes.length >= 20) {
		const proto = protocols[bytes[9]!] ?? "other";
		const payload = bytes.subarray((bytes[0]! & 15) * 4);
		return { from: bytes.subarray(12, 16).join("."), to: bytes.subarray(16, 20).join("."), proto, payload };
	}
	if (type === etherTypes.ipv6 && bytes.length >= 40) {
		const proto = protocols[bytes[6]!] ?? "other";
		return { from: ipv6(bytes, 8), to: ipv6(bytes, 24), proto, payload: bytes.subarray(40) };
	}
	return null;
}

function mac(bytes: Buffer, at: number): string {
	return (bytes.toString("hex", at, at + 6).match(/../g) ?? []).join(":");
}

/** Eight groups, none left out: the judge compares, nobody reads it. */
function ipv6(bytes: Buffer, at: number): string {
	return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(at + group * 2).toString(16)).join(":");
}

/** An address as it stands in frames, for comparisons. */
export function asInFrames(address: string): string {
	if (!address.includes(":")) return address;
	const [head = "", tail] = address.split("::");
	const groups = (text: string | undefined): string[] => (text ? text.split(":") : []);
	const [left, right] = [groups(head), groups(tail)];
	const zeros: string[] = Array(Math.max(0, 8 - left.length - right.length)).fill("0");
	return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}
