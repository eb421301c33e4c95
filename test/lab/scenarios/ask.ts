/** A command given to the daemon of a lab's node. */
import { join } from "node:path";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { callDaemon } from "../../daemonSocket.ts";

/** What the command prints on standard output. Rejects when no daemon answers, or with what it prints as an error. */
export async function ask(node: LabNode, argv: string[]): Promise<string> {
	const { code, out, err } = await callDaemon(join(node.disk("/var/safekit"), "run/daemon.sock"), argv);
	if (code === 0) return out;
	throw new Error(err || "the daemon ended during the command");
}
