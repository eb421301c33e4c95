/** Commands of other servers: who is listened to, and how they are carried out. */
import type { NodeControl } from "../cli/control.ts";
import { consentUntil } from "../cluster/consent.ts";
import { readKeyFile } from "../cluster/key.ts";
import type { SharedKey } from "../cluster/keyTls.ts";
import { commandKey, invitationKey } from "../cluster/remote/keys.ts";
import { CommandServer } from "../cluster/remote/serve.ts";
import type { Paths } from "../module/paths.ts";
import { answerRemote } from "./server.ts";
import type { Report } from "./world.ts";

export function commandServer(paths: Paths, node: NodeControl, report: Report): CommandServer {
	return new CommandServer({
		keys: () => keysOf(paths),
		answer: (socket, asked) => answerRemote(socket, asked, node),
		report,
	});
}

/** Who holds the cluster's key; without one whoever comes first, while that is allowed; otherwise nobody. */
async function keysOf(paths: Paths): Promise<SharedKey[]> {
	const key = await readKeyFile(paths.clusterKey);
	if (key !== null) return [commandKey(key)];
	return (await consentUntil(paths)) === null ? [] : [invitationKey];
}
