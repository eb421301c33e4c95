/** What is in `$SAFEVAR/cluster`: read by the daemon and the commands. */
import { createHash } from "node:crypto";
import { access, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Problem, SafekitError } from "../errors.ts";
import type { Paths } from "../module/paths.ts";
import type { Cluster } from "./cluster.ts";
import { fingerprint, readKeyFile } from "./key.ts";
import { readCluster } from "./read.ts";

export interface ClusterConfiguration {
	cluster: Cluster;
	warnings: Problem[];
	key: Buffer;
	/** Two servers with the same signature have the same cluster.xml and the same key. */
	signature: string;
	/** When cluster.xml was applied. */
	date: Date;
	locked: boolean;
}

/** `cluster config lock`: refuses later configurations while it exists. */
export function lockFile(paths: Paths): string {
	return join(dirname(paths.clusterXml), "locked");
}

export async function isLocked(paths: Paths): Promise<boolean> {
	return access(lockFile(paths)).then(
		() => true,
		() => false,
	);
}

/**
 * The configuration in force. Throws CLUSTER_NOT_CONFIGURED without cluster.xml, CLUSTER_KEY without a key,
 * CONFIG_INVALID if somebody broke the file.
 */
export async function readClusterConfiguration(paths: Paths): Promise<ClusterConfiguration> {
	const xml = await readApplied(paths);
	if (xml === null) throw new SafekitError("CLUSTER_NOT_CONFIGURED", "this server has no cluster configuration");
	const key = await readKeyFile(paths.clusterKey);
	if (key === null) throw new SafekitError("CLUSTER_KEY", "this server has a cluster.xml but no cluster key");
	const { cluster, warnings } = readCluster(xml, paths.clusterXml);
	const { mtime } = await stat(paths.clusterXml);
	return { cluster, warnings, key, signature: signatureOf(xml, key), date: mtime, locked: await isLocked(paths) };
}

/** The bytes of cluster.xml; null if there is none. */
export async function readApplied(paths: Paths): Promise<Buffer | null> {
	try {
		return await readFile(paths.clusterXml);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
}

function signatureOf(xml: Buffer, key: Buffer): string {
	return createHash("sha256").update(xml).update(fingerprint(key)).digest("hex").slice(0, 32);
}
