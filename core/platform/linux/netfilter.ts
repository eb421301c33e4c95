/** Messages to netfilter's part of the kernel (nfnetlink). */
export const NETLINK_NETFILTER = 12;
const NESTED = 0x8000;

/** A header, `struct nfgenmsg`, attributes. */
export function message(type: number, flags: number, family: number, resource: number, attributes: Buffer[]): Buffer {
	const head = Buffer.alloc(20);
	head.writeUInt16LE(type, 4);
	head.writeUInt16LE(flags, 6);
	head.writeUInt8(family, 16);
	head.writeUInt16BE(resource, 18);
	const all = Buffer.concat([head, ...attributes]);
	all.writeUInt32LE(all.length, 0);
	return all;
}

export function attribute(type: number, value: Buffer): Buffer {
	const all = Buffer.alloc((4 + value.length + 3) & ~3);
	all.writeUInt16LE(4 + value.length, 0);
	all.writeUInt16LE(type, 2);
	value.copy(all, 4);
	return all;
}

export function nested(type: number, inside: Buffer[]): Buffer {
	return attribute(type | NESTED, Buffer.concat(inside));
}

/** A number in the machine's own order, as most of these are. */
export function word(number: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(number);
	return bytes;
}
