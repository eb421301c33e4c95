/** The operating system under this node: the one place that chooses. Only entry points import it (design §1). */

import type { ProcessSystem } from "../checkers/watched/system.ts";
import { SafekitError } from "../errors.ts";
import type { DatagramSender } from "../log/syslog.ts";
import type { FileSystemProbe } from "../module/filesystem.ts";
import type { Copier } from "../node/data.ts";
import type { MountAsker } from "../node/mountCheck.ts";
import type { SandboxSystem } from "../sandbox/system.ts";
import type { ScriptSystem } from "../scripts/system.ts";
import type { AddressSystem } from "../vip/addresses.ts";
import { addresses } from "./linux/addresses.ts";
import { copyTrees } from "./linux/copy.ts";
import { UnixDatagrams } from "./linux/datagram.ts";
import { fileSystemProbe } from "./linux/filesystem.ts";
import { askMounts, unmount } from "./linux/mounts.ts";
import { ping } from "./linux/ping.ts";
import { processes } from "./linux/processes.ts";
import { sandboxSystem } from "./linux/sandbox.ts";
import { linuxScripts } from "./linux/scripts.ts";
import { leaderWith, sessionOf, startTimeOf } from "./linux/server.ts";

export interface Platform {
	addresses: AddressSystem;
	fileSystems: FileSystemProbe;
	scripts: ScriptSystem;
	sandbox: SandboxSystem;
	processes: ProcessSystem;
	/** True if the address answers an echo request within `timeoutMs`. */
	ping(addr: string, timeoutMs: number): Promise<boolean>;
	/** Datagrams to the system log and to systemd. */
	datagrams(): DatagramSender & { close(): void };
	/** With the pid it names one process for good; null if the process is gone. */
	startTimeOf(pid: number): string | null;
	sessionOf(pid: number): number | null;
	copy: Copier;
	askMounts: MountAsker;
	/** Takes away what is mounted on a path; best effort, a few seconds at most. */
	unmount(path: string): Promise<void>;
	/** The leader of a session whose environment holds `name=value`, and that `fits`; null: none lives. */
	leaderWith(name: string, value: string, fits?: (pid: number) => boolean): { pid: number; startTime: string } | null;
}

const linux: Platform = {
	addresses,
	fileSystems: fileSystemProbe,
	scripts: linuxScripts,
	sandbox: sandboxSystem,
	processes,
	ping,
	datagrams: () => new UnixDatagrams(),
	startTimeOf,
	sessionOf,
	leaderWith,
	copy: copyTrees,
	askMounts,
	unmount,
};

/** The implementation for this machine. Throws where there is none. */
export function platform(): Platform {
	if (process.platform === "linux") return linux;
	throw new SafekitError("PLATFORM", `this version does not run on ${process.platform}`);
}
