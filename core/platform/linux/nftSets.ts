/** Sets of nftables, filled by the kernel's own messages (nfnetlink): no program is started when clients wait. */
import type { SetContent } from "../../vip/addresses.ts";
import { attribute, message, NETLINK_NETFILTER, nested, word } from "./netfilter.ts";
import { askKernel, NLMSG_ERROR } from "./netlink.ts";

const [BATCH_BEGIN, BATCH_END, NFTABLES] = [0x10, 0x11, 10];
const [NEWSETELEM, DELSETELEM] = [(NFTABLES << 8) | 12, (NFTABLES << 8) | 14];
const [REQUEST, CREATE] = [1, 0x400];
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
	// A bucket is a number in the machine's own order.
	const elements = numbers.map((number) =>
		nested(LIST_ELEM, [nested(ELEM_KEY, [attribute(DATA_VALUE, word(number))])]),
	);
	const list = nested(LIST_ELEMENTS, elements);
	return [flush, message(NEWSETELEM, REQUEST | CREATE, families[family], 0, [...names, list])];
}

function name(text: string): Buffer {
	return Buffer.from(`${text}\0`);
}
