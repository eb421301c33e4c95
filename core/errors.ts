/**
 * Every error of the product: its code, the exit code of a command that ends with it (design §9), and what the
 * person should do. A code is used only through `fail` or `problem`, and test/errors.test.ts proves that each
 * code here is used somewhere and each used code is here.
 */

import { checkerErrors } from "./errors/checkers.ts";
import { clusterErrors } from "./errors/cluster.ts";
import { createErrors } from "./errors/create.ts";
import { farmErrors } from "./errors/farm.ts";
import { type ErrorKind, exitCode } from "./errors/kind.ts";
import { lintErrors } from "./errors/lint.ts";
import { moduleErrors } from "./errors/modules.ts";
import { replicationErrors } from "./errors/replication.ts";

export { type ExitName, exitCode } from "./errors/kind.ts";

/** The registry. Codes are grouped by prefix; keep a group together. */
export const errors = {
	...clusterErrors,
	...moduleErrors,
	...farmErrors,
	...lintErrors,
	...createErrors,
	...replicationErrors,
	...checkerErrors,

	USAGE: { exit: "usage", remedy: "Run `safekit --help` to see the commands and their arguments." },

	INTERNAL: { exit: "failed", remedy: "This is a defect of the product: keep the log and report it." },

	PLATFORM: { exit: "failed", remedy: "Run it on Linux." },

	NOT_ROOT: { exit: "failed", remedy: "Run the command as root." },

	LAB_IMPOSSIBLE: { exit: "failed", remedy: "Install or allow what is missing, then run the command again." },
	LAB_FAILED: {
		exit: "failed",
		remedy: "The message holds what the machine said; run the command again once that is mended.",
	},

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
	CLI_DISTRIBUTED: { exit: "usage", remedy: "Give the command on each server, without -H." },
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

	API_PATH: { exit: "usage", remedy: "GET /api/v1/modules lists the modules of this server." },
	API_METHOD: { exit: "usage", remedy: "Use GET here, and the command `safekit` on the server to change something." },

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
	NODE_LAN: {
		exit: "invalid",
		remedy: "Name a lan of cluster.xml in <farm> that has this server, or leave the module to the other servers.",
	},
	NODE_PLUGIN: { exit: "invalid", remedy: "Install a version of the plugin that fits, or remove its folder." },
	PLUGIN_ADVICE: { exit: "invalid", remedy: "Follow the advice, or ask the author of the plugin." },
	PLUGIN_FAILED: {
		exit: "invalid",
		remedy: "Nothing has to be done to the module; tell the author of the plugin, or remove its folder.",
	},
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
