/** Whether anybody has changed a rule, a set or a table of nftables (nfnetlink): no program is started for a look. */
import { message, NETLINK_NETFILTER } from "./netfilter.ts";
import { askKernel, attributesOf, messagesOf } from "./netlink.ts";

const [NEWGEN, GETGEN, REQUEST, GEN_ID] = [0xa0f, 0xa10, 1, 1];

/** A number that is another one after every transaction. Throws if the kernel does not say. */
export function nftGeneration(): number {
	return askKernel(NETLINK_NETFILTER, message(GETGEN, REQUEST, 0, 0, []), (next) => {
		const answer = messagesOf(next() ?? Buffer.alloc(0)).find(({ kind }) => kind === NEWGEN);
		const id = answer && attributesOf(answer.body, 4).get(GEN_ID);
		if (id === undefined) throw new Error("the kernel does not say whether its rules have changed");
		return id.readUInt32BE(0);
	});
}
