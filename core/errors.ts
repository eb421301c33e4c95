/**
 * Every error of the product: its code, the exit code of a command that ends with it (design §9), and what the
 * person should do. A code is used only through `fail` or `problem`, and test/errors.test.ts proves that each
 * code here is used somewhere and each used code is here.
 */

/** Exit codes of every command. */
export const exitCode = { ok: 0, failed: 1, usage: 2, invalid: 3, unsafe: 4, timeout: 5 } as const;
export type ExitName = keyof typeof exitCode;

interface ErrorKind {
	exit: ExitName;
	/** What to do next, in one sentence; `{name}` is replaced by the details. */
	remedy: string;
}

/** The registry. Codes are grouped by prefix; keep a group together. */
export const errors = {
	USAGE: { exit: "usage", remedy: "Run `safekit --help` to see the commands and their arguments." },
	INTERNAL: { exit: "failed", remedy: "This is a defect of the product: keep the log and report it." },
	PLATFORM: { exit: "failed", remedy: "Run it on Linux." },
	NOT_ROOT: { exit: "failed", remedy: "Run the command as root." },

	LAB_IMPOSSIBLE: { exit: "failed", remedy: "Install or allow what is missing, then run the command again." },
	LAB_FAILED: {
		exit: "failed",
		remedy: "The message holds what the machine said; run the command again once that is mended.",
	},

	PACKAGE_NOT_FOUND: {
		exit: "usage",
		remedy: "Give the path of a .safe or .zip file, or put NAME.safe below $SAFE/Application_Modules.",
	},
	PACKAGE_NOT_ZIP: {
		exit: "invalid",
		remedy: "Pack the module again as a plain zip: `safekit module package -m NAME FILE.safe`.",
	},
	PACKAGE_DAMAGED: {
		exit: "invalid",
		remedy: "Copy or download the package again: its content does not match its directory.",
	},
	PACKAGE_LIMIT: {
		exit: "invalid",
		remedy: "Take out of the package what is no part of the module: 10,000 entries and 256 MiB are the limits.",
	},
	PACKAGE_NAME: { exit: "invalid", remedy: "Pack the module again with relative names that stay inside its folder." },
	PACKAGE_LINK: { exit: "invalid", remedy: "Replace the link by the file it points to and pack the module again." },
	PACKAGE_DUPLICATE: { exit: "invalid", remedy: "Keep one of the two entries and pack the module again." },
	PACKAGE_NO_USERCONFIG: {
		exit: "invalid",
		remedy: "A module has its configuration in conf/userconfig.xml: add it, or pack the folder that contains conf/.",
	},
	PACKAGE_MANIFEST: { exit: "invalid", remedy: "Correct module.json as the message says, and pack the module again." },
	PACKAGE_SCRIPT: { exit: "invalid", remedy: "Correct the script as the message says." },

	XML_ENCODING: { exit: "invalid", remedy: "Save the file as UTF-8." },
	XML_LIMIT: { exit: "invalid", remedy: "Make the file smaller: 1 MiB, 10,000 elements and 32 levels are the limits." },
	XML_SYNTAX: { exit: "invalid", remedy: "Correct the XML at this place." },
	XML_ENTITY: {
		exit: "invalid",
		remedy:
			"Write the text itself, or use a <macro>; only &lt; &gt; &amp; &quot; &apos; and character numbers are read.",
	},

	CONFIG_INVALID: { exit: "invalid", remedy: "Correct what is named above and run the command again." },
	CONFIG_UNKNOWN_ELEMENT: { exit: "invalid", remedy: "Remove the element, or correct its name or place." },
	CONFIG_UNKNOWN_ATTRIBUTE: { exit: "invalid", remedy: "Remove the attribute, or correct its name." },
	CONFIG_MISSING: { exit: "invalid", remedy: "Add what is missing at this place." },
	CONFIG_REPEATED: { exit: "invalid", remedy: "Keep one of them." },
	CONFIG_VALUE: { exit: "invalid", remedy: "Correct the value." },
	CONFIG_TIME_UNIT: { exit: "invalid", remedy: "Write the time in the expected unit, or without unit." },
	CONFIG_BLANK: { exit: "invalid", remedy: "Fill in the value: the module's author left it to you." },
	CONFIG_MACRO: {
		exit: "invalid",
		remedy: "Add a <macro> of this name before its first use, or set the environment variable.",
	},
	CONFIG_RULE: { exit: "invalid", remedy: "Correct the failover rule at this place." },
	CONFIG_LEGACY: {
		exit: "invalid",
		remedy: "Nothing has to be done now; use the present spelling when you edit the file next.",
	},
	CONFIG_UNNEEDED: { exit: "invalid", remedy: "Nothing has to be done; leave it out when you edit the file next." },
	CONFIG_LATER: { exit: "invalid", remedy: "The module works without it; do not rely on it yet." },
	CONFIG_DIRECTORY: { exit: "invalid", remedy: "Choose another directory, or correct it as the message says." },
	CONFIG_CLUSTER: {
		exit: "invalid",
		remedy: "Make userconfig.xml and cluster.xml agree (`safekit cluster confinfo` shows the latter).",
	},
	CONFIG_SCRIPT: {
		exit: "failed",
		remedy: "Correct what the script reported above; the previous configuration stays in force.",
	},
	CONFIG_HISTORY: { exit: "usage", remedy: "`safekit config -m NAME --list` shows the numbers." },
	CONFIG_DAMAGED: { exit: "failed", remedy: "Apply the configuration again with `safekit config -m NAME`." },

	MODULE_NAME: {
		exit: "usage",
		remedy: "Use letters, digits, `_` and `-`, at most 64, beginning with a letter or digit; -m gives the name.",
	},
	MODULE_ID: {
		exit: "usage",
		remedy: "Choose a free number between 1 and 255, or leave -M out; `safekit module listid` shows those in use.",
	},
	MODULE_EXISTS: { exit: "failed", remedy: "Use -r to install it again, or -m to give another name." },
	MODULE_UNKNOWN: { exit: "failed", remedy: "See `safekit module list` for the installed modules." },
	MODULE_NOT_CONFIGURED: { exit: "failed", remedy: "Apply its configuration with `safekit config -m NAME`." },
	MODULE_LOCKED: { exit: "timeout", remedy: "Wait until the other module command has ended and try again." },

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

	LOOP_LIMIT: {
		exit: "failed",
		remedy: "Stop the module with `safekit stop -i NAME`, find the cause, then `safekit resetloop` and start it.",
	},
	CLI_MODULE: { exit: "usage", remedy: "Name the module with -m; `safekit module list` shows those installed." },
	CLI_NOT_STARTED: {
		exit: "failed",
		remedy: "Look at `safekit log -m NAME` for what happened; `safekit state` shows what it waits for.",
	},
	CLI_WAIT_INSIDE: {
		exit: "unsafe",
		remedy: "Give the order without waiting; the module carries it out when the script has ended.",
	},
	CLI_TIMEOUT: {
		exit: "timeout",
		remedy: "Look at `safekit state` and at `safekit logview -m NAME`, then wait again.",
	},
	CLI_DISTRIBUTED: { exit: "usage", remedy: "Give the command on each server." },
	CLI_FILE: { exit: "failed", remedy: "Give another absolute path, in a folder that exists and has space." },
	CLI_RESOURCE: { exit: "failed", remedy: "`safekit state -m NAME -v` shows all resources of the module." },
	CLI_RESOURCE_INTERNAL: { exit: "usage", remedy: "Use a class of your own, as in custom.mycheck." },
	CLI_CLASS: { exit: "usage", remedy: "`safekit errd list` shows the classes of the module." },
	CLI_RESOURCE_LIMIT: { exit: "failed", remedy: "Use fewer names: a module may have 2000 resources." },
	CLI_LATER: { exit: "usage", remedy: "Run `safekit --help` to see what this version has." },
	CLI_SAFEBIN: { exit: "usage", remedy: "`safekit -r PROGRAM [argument]...` runs one of these." },
	CLI_CLUSTER_RUNNING: { exit: "unsafe", remedy: "Stop them with `safekit shutdown`, then run the command again." },
	CLI_CONFIG_RUNNING: { exit: "unsafe", remedy: "Stop the module first with `safekit stop`, then `safekit waitstop`." },
	CLI_UPDATE_STATE: {
		exit: "unsafe",
		remedy: "Wait with `safekit waitstate -m NAME ALONE`, or stop the module, apply the configuration and start it.",
	},

	SETUP_SYSTEMD: {
		exit: "failed",
		remedy: "Look at `systemctl status safeadmin` and `journalctl -u safeadmin`, then run the command again.",
	},
	SETUP_RUNNING: { exit: "unsafe", remedy: "Stop them with `safekit shutdown`, then run the command again." },
	SETUP_FOREIGN: {
		exit: "unsafe",
		remedy: "Set SAFE and SAFEVAR to the folders that setup made, or remove it by hand.",
	},

	NODE_REFUSED: { exit: "unsafe", remedy: "`safekit state` shows the state of the module and why." },
	NODE_MODE: {
		exit: "invalid",
		remedy: "Use a mode that this version carries out, or put the mode's plugin into $SAFE/plugins.",
	},
	NODE_TOCHECK: { exit: "failed", remedy: "Mount or restore what is missing, then start the module again." },
	NODE_PEER: {
		exit: "invalid",
		remedy: "Give the module's heartbeats a lan of cluster.xml that has exactly its two servers.",
	},
	NODE_PLUGIN: { exit: "invalid", remedy: "Install a version of the plugin that fits, or remove its folder." },
	NODE_RUNNING: {
		exit: "failed",
		remedy: "`safekit state` speaks to the daemon that runs; `systemctl restart safeadmin` restarts it.",
	},

	SCRIPT_NOT_STARTED: {
		exit: "failed",
		remedy: "Correct the first line of the script (`#!/bin/bash`) or its line ends, and apply the configuration again.",
	},
	MODULE_BUSY: {
		exit: "failed",
		remedy: "Wait for the module to become stable with `safekit waitstate`, or use `safekit stop`, and try again.",
	},
	MODULE_COMMAND: { exit: "usage", remedy: "`safekit state` shows the mode of each module." },
	MODULE_NOT_STARTED: { exit: "failed", remedy: "Start the module with `safekit start` first." },
	MODULE_STARTED: {
		exit: "failed",
		remedy:
			"Stop the module with `safekit stop` first; `safekit swap` on the primary makes a secondary the primary without a stop.",
	},
	MODULE_START_FAILED: {
		exit: "failed",
		remedy: "See the module's log with `safekit logview` for the step that failed.",
	},
	PRIM_REMOTE_IS_PRIMARY: {
		exit: "unsafe",
		remedy: "Use `safekit start` to join the other server, or `safekit swap` there to exchange the roles.",
	},
	PRIM_INCONSISTENT: {
		exit: "unsafe",
		remedy: "If you are sure that this server has valid data, run `safekit primforce`.",
	},
	SECOND_NO_PRIMARY: { exit: "unsafe", remedy: "Start the other server first, or use `safekit start`." },
	SWAP_NOT_POSSIBLE: {
		exit: "unsafe",
		remedy: "Run `safekit swap` on the server in state PRIM (Ready), while the other is SECOND (Ready).",
	},

	CLUSTER_NOT_CONFIGURED: {
		exit: "failed",
		remedy:
			"Run `safekit cluster create IP1 IP2` and `safekit cluster config`, or `safekit cluster config FILE.zip` with the file that `cluster package` made on the other server.",
	},
	CLUSTER_EXISTS: {
		exit: "unsafe",
		remedy:
			"To change it, edit the file and run `safekit cluster config`; to begin anew, run `safekit cluster deconfig` first.",
	},
	CLUSTER_FILE: {
		exit: "usage",
		remedy: "Give the path of a cluster.xml, or of a zip that `safekit cluster package` made.",
	},
	CLUSTER_PACKAGE: {
		exit: "invalid",
		remedy: "Make the file again on the other server with `safekit cluster package FILE.zip`, and copy it unchanged.",
	},
	CLUSTER_LOCKED: { exit: "unsafe", remedy: "Run `safekit cluster config unlock` first." },
	CLUSTER_KEY: {
		exit: "failed",
		remedy:
			"Take over the key of the other server (`safekit cluster package FILE.zip` there, `safekit cluster config FILE.zip` here), or make a new one with `safekit cluster genkey`.",
	},
	CLUSTER_NOT_A_NODE: {
		exit: "failed",
		remedy: "Correct the addresses in cluster.xml or of this machine, or set SAFENODE to this machine's node name.",
	},

	VIP_NAME: {
		exit: "failed",
		remedy: "Use the address itself in <virtual_addr>, or correct the name service of this server.",
	},
	VIP_INTERFACE: {
		exit: "failed",
		remedy:
			"Give this server an address in the network of the virtual address, or correct `addr`, `netmask` or the interface's name in <vip>.",
	},
	VIP_LOCAL: {
		exit: "failed",
		remedy: "Remove the address from this server's own network configuration: only the module may set it.",
	},
	VIP_TAKEN: {
		exit: "failed",
		remedy: "Find the machine with this MAC address and take the address from it, or choose another virtual address.",
	},
	VIP_SYSTEM: {
		exit: "failed",
		remedy: "Look at the interface with `ip addr`, correct what the message names, and start the module again.",
	},
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errors;

/** Where a problem stands in something that a person wrote. Lines and columns count from 1. */
export interface Place {
	file?: string;
	line?: number;
	column?: number;
	element?: string;
	attribute?: string;
	found?: string;
	expected?: string;
}

/** One thing that is wrong, or worth knowing, in a package or a configuration (interfaces.md, `module check`). */
export interface Problem extends Place {
	code: ErrorCode;
	severity: "error" | "warning";
	message: string;
	remedy: string;
}

/** The one public error class. It carries data; `cause` is kept. */
export class SafekitError extends Error {
	readonly code: ErrorCode;
	readonly place: Place | undefined;
	readonly remedy: string;
	/** Everything that is wrong at once, where several places of a file are. */
	readonly problems: readonly Problem[];

	constructor(
		code: ErrorCode,
		message: string,
		options: { place?: Place; remedy?: string; cause?: unknown; problems?: readonly Problem[] } = {},
	) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = "SafekitError";
		this.code = code;
		this.place = options.place;
		this.remedy = options.remedy ?? errors[code].remedy;
		this.problems = options.problems ?? [];
	}

	/** The exit code of a command that ends with this error. */
	get exit(): number {
		return exitCode[errors[this.code].exit];
	}
}

/** Anything thrown, as an error of the registry: what is unknown is INTERNAL and keeps its cause. */
export function asSafekitError(error: unknown): SafekitError {
	if (error instanceof SafekitError) return error;
	const message = error instanceof Error ? error.message : String(error);
	return new SafekitError("INTERNAL", message, { cause: error });
}
