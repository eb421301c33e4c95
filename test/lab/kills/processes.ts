/** The processes of a server that can die (design §8), as this machine sees them: nothing is started to find one. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isHolder } from "../../../core/replication/holder/holder.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";

export const kinds = ["daemon", "replication process", "holder"] as const;
export type Kind = (typeof kinds)[number];

/** The pid, on this machine, of a server's process; null: there is none now. @param socket of the module's replication. */
export function findProcess(node: LabNode, kind: Kind, module: string, socket: string): number | null {
	const namespace = readlinkSync(`/proc/${node.pid}/ns/pid`);
	for (const pid of readdirSync("/proc")) {
		if (!/^\d+$/.test(pid)) continue;
		try {
			if (isOf(pid, kind, module, socket) && readlinkSync(`/proc/${pid}/ns/pid`) === namespace) return Number(pid);
		} catch {
			// It has just ended.
		}
	}
	return null;
}

function isOf(pid: string, kind: Kind, module: string, socket: string): boolean {
	if (kind === "holder") return isHolder(pid, socket);
	const [program = "", ...words] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
	if (!program.endsWith("/node")) return false;
	if (kind === "daemon") return words.some((word) => word.endsWith("core/node/main.ts"));
	if (!words.some((word) => word.endsWith("core/replication/process.ts"))) return false;
	return readlinkSync(`/proc/${pid}/fd/2`).endsWith(`/rfs-${module}.err`);
}
