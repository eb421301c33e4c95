/** What syncer threads do: the calls that may take seconds, so that they do not stop reads and the peer link. */
import type { FileCalls } from "../system.ts";

export type SyncerJob =
	| { do: "fsync" | "fdatasync" | "syncfs"; fd: number }
	/** Waits for write-back, which the data thread serves: so never from there. */
	| { do: "umount"; path: string; flags: number }
	/** A notification to the kernel, which may wait for pages that the data thread must fill. */
	| { do: "notify"; fd: number; bytes: Uint8Array }
	/** Of a mount that may be dead or may never answer. */
	| { do: "statfs"; path: string };

/** 0 or more, or −errno. */
export function doJob(system: FileCalls, job: SyncerJob): number {
	switch (job.do) {
		case "fsync":
			return system.fsync(job.fd);
		case "fdatasync":
			return system.fdatasync(job.fd);
		case "syncfs":
			return system.syncfs(job.fd);
		case "umount":
			return system.umount(job.path, job.flags);
		case "notify":
			return system.write(job.fd, Buffer.from(job.bytes));
		case "statfs": {
			const stat = system.statfsPath(job.path);
			return typeof stat === "number" ? stat : 0;
		}
	}
}
