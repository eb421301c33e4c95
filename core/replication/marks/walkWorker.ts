/** Main file of the thread that looks for changes by hand. */
import { type MessagePort, workerData } from "node:worker_threads";
import { asSafekitError } from "../../errors.ts";
import { linuxSystem as system } from "../../platform/linux/libc.ts";
import { keepCompiled } from "../compiled.ts";
import { Exclusion, type ExclusionRules } from "../local/exclusion.ts";
import { openTree } from "../local/setup.ts";
import { postAndWake } from "../loop/mailbox.ts";
import { type Found, walkTree } from "./walk.ts";

export interface WalkOrder {
	/** The root underneath the mount, open in this process. */
	rootFd: number;
	rules: ExclusionRules;
	sinceNs: bigint;
}

export type Walked = { found: Found[] } | { ended: string | null };

const { order, port, wakeFd } = workerData as { order: WalkOrder; port: MessagePort; wakeFd: number };
const say = (message: Walked): void => postAndWake(system, port, wakeFd, message);

keepCompiled();
say({ ended: walk() });
port.close();

/** null, or why it could not be done. */
function walk(): string | null {
	try {
		const tree = openTree(system, `/proc/self/fd/${order.rootFd}`);
		const result = walkTree(tree, new Exclusion(order.rules), order.sinceNs, (found) => say({ found }));
		tree.close();
		return result < 0 ? `errno ${-result}` : null;
	} catch (error) {
		return asSafekitError(error).message;
	}
}
