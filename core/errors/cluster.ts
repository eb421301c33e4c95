/** Errors of the cluster's configuration, of its keys, and of commands for other servers. */
import type { ErrorKind } from "./kind.ts";

export const clusterErrors = {
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
} as const satisfies Record<string, ErrorKind>;
