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

	REMOTE_SERVERS: {
		exit: "usage",
		remedy:
			'Write -H "*", -H "node1,node2" with names of cluster.xml, -H "[http:9010],host1,host2" or -H "http://host1:9010,http://host2:9010".',
	},
	REMOTE_UNREACHED: {
		exit: "failed",
		remedy:
			"Look whether the server is up, whether safeadmin runs there (`systemctl status safeadmin`), and whether its firewall lets TCP 9010 through.",
	},
	REMOTE_KEY: {
		exit: "failed",
		remedy:
			"Bring the cluster configuration there: `safekit cluster package FILE.zip` here, copy the file, `safekit cluster config FILE.zip` there. For a server that has none yet, `safekit webservercfg -unsecure` on both allows `-G` for an hour.",
	},
	REMOTE_SILENT: {
		exit: "timeout",
		remedy: "Look at that server; what it has begun goes on there. `safekit cmdlog` there shows whether it has ended.",
	},
	REMOTE_ENDED: {
		exit: "failed",
		remedy: "Look at `safekit state` and `safekit cmdlog` on that server, then give the command again.",
	},
	REMOTE_LIMIT: { exit: "failed", remedy: "Give the command on that server itself." },
	REMOTE_WIRE: { exit: "failed", remedy: "Install the same version of the product on both servers." },
	REMOTE_REFUSED: {
		exit: "unsafe",
		remedy:
			"A server takes its first configuration only while it has none, within an hour of `safekit webservercfg -unsecure` there.",
	},
} as const satisfies Record<string, ErrorKind>;
