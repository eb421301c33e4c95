/** Sets of nftables, filled by the kernel's own messages (nfnetlink): no program is started when clients wait. */
import type { SetContent } from "../../vip/addresses.ts";
import { askKernel, NLMSG_ERROR } from "./netlink.ts";

const NETLINK_NETFILTER = 12;
const [BATCH_BEGIN, BATCH_END, NFTABLES] = [0x10, 0x11, 10];
const [NEWSETELEM, DELSETELEM] = [(NFTABLES << 8) | 12, (NFTABLES << 8) | 14];
const [REQUEST, CREATE, NESTED] = [1, 0x400, 0x8000];
const [LIST_TABLE, LIST_SET, LIST_ELEMENTS, LIST_ELEM, ELEM_KEY, DATA_VALUE] = [1, 2, 3, 1, 1, 1];
const families = { inet: 1, netdev: 5 };

/** Throws with the errno; then nothing has changed. */
export function fillSets(contents: readonly SetContent[]): void {
	const batch = Buffer.concat([
		message(BATCH_BEGIN, REQUEST, 0, NFTABLES, []),
		...contents.flatMap((content) => filling(content)),
		message(BATCH_END, REQUEST, 0, NFTABLES, []),
	]);
	askKernel(NETLINK_NETFILTER, batch, (next) => {
		// Only what went wrong is answered.
		const answer = next();
		if (answer === null) return;
		const errno = answer.length >= 20 && answer.readUInt16LE(4) === NLMSG_ERROR ? -answer.readInt32LE(16) : "unknown";
		throw new Error(`the kernel refused the sets: errno ${errno}`);
	});
}

function filling({ family, table, set, numbers }: SetContent): Buffer[] {
	const names = [attribute(LIST_TABLE, name(table)), attribute(LIST_SET, name(set))];
	const flush = message(DELSETELEM, REQUEST, families[family], 0, names);
	if (numbers.length === 0) return [flush];
	const elements = numbers.map((number) =>
		attribute(LIST_ELEM | NESTED, attribute(ELEM_KEY | NESTED, attribute(DATA_VALUE, word(number)))),
	);
	const list = attribute(LIST_ELEMENTS | NESTED, Buffer.concat(elements));
	return [flush, message(NEWSETELEM, REQUEST | CREATE, families[family], 0, [...names, list])];
}

/** A header, `struct nfgenmsg`, attributes. */
function message(type: number, flags: number, family: number, resource: number, attributes: Buffer[]): Buffer {
	const head = Buffer.alloc(20);
	head.writeUInt16LE(type, 4);
	head.writeUInt16LE(flags, 6);
	head.writeUInt8(family, 16);
	head.writeUInt16BE(resource, 18);
	const all = Buffer.concat([head, ...attributes]);
	all.writeUInt32LE(all.length, 0);
	return all;
}

function attribute(type: number, value: Buffer): Buffer {
	const all = Buffer.alloc((4 + value.length + 3) & ~3);
	all.writeUInt16LE(4 + value.length, 0);
	all.writeUInt16LE(type, 2);
	value.copy(all, 4);
	return all;
}

function name(text: string): Buffer {
	return Buffer.from(`${text}\0`);
}

/** A bucket is a number in the machine's own order, as all of these are. */
function word(number: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(number);
	return bytes;
}
