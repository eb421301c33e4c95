/** Where everything of a server and of a module lives (spec/05 §2, interfaces.md). Pure: names only, nothing is read. */
import { join } from "node:path";

export interface Paths {
	/** `$SAFE`, /opt/safekit. */
	safe: string;
	/** `$SAFEVAR`, /var/safekit. */
	safevar: string;
	/** SAFEBIN, `$SAFE/private/bin`. */
	safebin: string;
	/** The daemon's control socket, 0600. */
	socket: string;
	clusterXml: string;
	clusterKey: string;
	run: string;
	module(name: string): ModulePaths;
}

export interface ModulePaths {
	/** What the person edits: `$SAFE/modules/AM`, with conf/ and bin/. */
	source: string;
	sourceConf: string;
	sourceBin: string;
	/** What is in force: `$SAFE/private/modules/AM`. */
	active: string;
	/** SAFEUSERCONF, holds safeconf.xml. */
	userConf: string;
	/** SAFEUSERBIN. */
	userBin: string;
	/** SAFEUSERVAR, `$SAFEVAR/modules/AM`: logs, user logs, stored state. */
	userVar: string;
	/** Control socket of the module's replication process. */
	replicationSocket: string;
}

/** Paths from `SAFE` and `SAFEVAR` of the environment, or the defaults of Linux. */
export function pathsFrom(env: { SAFE?: string | undefined; SAFEVAR?: string | undefined }): Paths {
	const safe = env.SAFE || "/opt/safekit";
	const safevar = env.SAFEVAR || "/var/safekit";
	const run = join(safevar, "run");
	return {
		safe,
		safevar,
		safebin: join(safe, "private/bin"),
		socket: join(run, "daemon.sock"),
		clusterXml: join(safevar, "cluster/cluster.xml"),
		clusterKey: join(safevar, "cluster/cluster.key"),
		run,
		module: (name) => {
			const source = join(safe, "modules", name);
			const active = join(safe, "private/modules", name);
			return {
				source,
				sourceConf: join(source, "conf"),
				sourceBin: join(source, "bin"),
				active,
				userConf: join(active, "conf"),
				userBin: join(active, "bin"),
				userVar: join(safevar, "modules", name),
				replicationSocket: join(run, `rfs-${name}.sock`),
			};
		},
	};
}
