/** Errors of replicated directories and of the commands about them. */
import type { ErrorKind } from "./kind.ts";

export const replicationErrors = {
	REPLICATION_DIRECTORY: {
		exit: "failed",
		remedy: "Make sure that the directory of <replicated> exists on this server and that root may use it.",
	},
	REPLICATION_FILE_SYSTEM: {
		exit: "invalid",
		remedy: "Put the directory on ext4 or XFS (an XFS over 2 TiB is not supported yet), as root.",
	},
	REPLICATION_MOUNT: {
		exit: "failed",
		remedy:
			"Check that the kernel offers FUSE (`modprobe fuse`, /dev/fuse) and that nothing else is mounted on the directory.",
	},
	REPLICATION_HOLDER: {
		exit: "failed",
		remedy: "Run `safekit stop`, then `safekit start`, on this server: the directories are mounted anew.",
	},
	REPLICATION_WIRE: {
		exit: "failed",
		remedy:
			"The connection ends and is made again. If it comes back: compare the versions of both servers, and see who else connects to the replication port.",
	},
	REPLICATION_RECORDS: {
		exit: "failed",
		remedy:
			"If the other server has the data, remove .opensafe/node in the replicated directory here and start: everything is then copied from there.",
	},
	REPLICATION_LISTEN: {
		exit: "failed",
		remedy:
			"Compare the addresses in cluster.xml with those of this server, and see what else uses the module's replication port.",
	},
	REPLICATION_CONFIG: {
		exit: "invalid",
		remedy: "Apply the module's configuration again with `safekit config -m NAME`.",
	},
	REPLICATION_ORDER: { exit: "failed", remedy: "Stop the module on this server and start it again." },
	REPLICATION_DISK: {
		exit: "failed",
		remedy: "Look at the system log for errors of the disk below the replicated directory and repair it.",
	},
	REPLICATION_APPLY: {
		exit: "failed",
		remedy:
			"Look for a full disk or for changes made by hand in the replicated directory, then start the module here again: it is synchronised anew.",
	},
	REPLICATION_LIMIT: {
		exit: "failed",
		remedy: "Replicate fewer files, or exclude folders that need no second copy with <notreplicated>.",
	},
	REPLICATION_QUARANTINE: {
		exit: "failed",
		remedy:
			"Make room in the replicated directory's file system, or move aside what this server alone holds, then start the module here again.",
	},
	REPLICATION_PROCESS: {
		exit: "failed",
		remedy: "See the module's log for why the replication process did not start, and start the module again.",
	},

	RFS_NONE: { exit: "failed", remedy: "Name a module whose configuration has <replicated> directories." },
	RFS_QUARANTINE: {
		exit: "failed",
		remedy: "Stop the module on this server with `safekit stop`, look at the directory, and run the command again.",
	},
	RFS_NOT_PRIMARY: { exit: "failed", remedy: "Give the command on the server in state ALONE or PRIM." },
	RFS_NO_SESSION: {
		exit: "failed",
		remedy: "Wait with `safekit waitstate SECOND` on the secondary, then give the command again.",
	},
	RFS_VERIFY: { exit: "failed", remedy: "See `safekit state` and `safekit log` of both servers, then try again." },
	RFS_SYNC: {
		exit: "failed",
		remedy: '`safekit rfssync` shows what was declared; see README, "A second server from a backup".',
	},
	RFS_CALLBACK: { exit: "failed", remedy: "See the user log of the script; its exit code has to be 0." },
	RFS_ENTRY: { exit: "failed", remedy: "`safekit rfs diverged` lists the entries; four characters are enough." },
	RFS_EXISTS: { exit: "unsafe", remedy: "Give an empty folder with --to, or replace what is there with --force." },
	RFS_WHERE: {
		exit: "unsafe",
		remedy: "Give a folder outside with --to, and copy from there to the replicated directory on the primary.",
	},
	RFS_COPY: { exit: "failed", remedy: "Mend what is named above and run the command again with --force." },
	RFS_DROP: { exit: "unsafe", remedy: "Add --force to delete them; `safekit rfs restore` copies them out before." },
	RFS_BUSY: { exit: "failed", remedy: "Wait with `safekit waitstate SECOND`, then run the command again." },
} as const satisfies Record<string, ErrorKind>;
