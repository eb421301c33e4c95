/** The two texts that setup writes: the command of a server, and its service. */
import { join } from "node:path";
import type { Paths } from "../module/paths.ts";

const root = join(import.meta.dirname, "../..");
export const launcher = join(root, "core/cli/safekit.mjs");
export const daemon = join(root, "core/node/main.ts");

/** One word for /bin/sh. */
export function quoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

/** `$SAFE/safekit`: two lines, absolute, right in any environment. `node`: the Node that runs the product. */
export function launcherText(paths: Paths, node: string): string {
	const where = `SAFE=${quoted(paths.safe)} SAFEVAR=${quoted(paths.safevar)}`;
	return `#!/bin/sh\n${where} exec ${quoted(node)} ${quoted(launcher)} "$@"\n`;
}

/**
 * The service. `systemctl stop` stops the modules first, as the existing product does, through ExecStop. A daemon that
 * dies or hangs is started again at once and takes its modules up: only the main process is ever killed, scripts and
 * replication run on.
 */
export function unitText(paths: Paths, node: string): string {
	const word = (text: string): string => `"${text.replaceAll("%", "%%")}"`;
	return `[Unit]
Description=Opensafe: high availability of this server's modules
After=network-online.target local-fs.target time-sync.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
Environment=${word(`SAFE=${paths.safe}`)} ${word(`SAFEVAR=${paths.safevar}`)}
Environment=${word(`NODE_COMPILE_CACHE=${join(paths.run, "compile-cache")}`)}
ExecStart=${word(node)} ${word(daemon)}
ExecStop=${word(join(paths.safe, "safekit"))} shutdown
TimeoutStartSec=120
TimeoutStopSec=900
Restart=always
RestartSec=0
WatchdogSec=30
KillMode=process
LimitNOFILE=65536
OOMScoreAdjust=-900

[Install]
WantedBy=multi-user.target
`;
}
