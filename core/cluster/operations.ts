/** The commands `safekit cluster …` (spec/04 §2) as far as they concern one server. */
import { readFile, rm, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname } from "node:path";
import { type Problem, SafekitError } from "../errors.ts";
import { makeFolder, removeTemporaries, replaceFile, syncFolder } from "../module/files.ts";
import type { Paths } from "../module/paths.ts";
import type { Cluster } from "./cluster.ts";
import { isLocked, lockFile, readApplied } from "./configuration.ts";
import { formerKeysFile, rememberKey } from "./formerKeys.ts";
import { newKey, readKeyFile } from "./key.ts";
import { clusterPackage, readClusterPackage } from "./package.ts";
import { readCluster } from "./read.ts";

/** More is no cluster.xml and no package of one. */
const maxFileBytes = 4 << 20;

export interface ConfigRequest {
	/** A .xml (a new key is made) or a .zip of `cluster package` (its key is used); none: keep cluster.xml. */
	file?: string;
	/** In place of a file: the bytes of such a .zip, and where they came from. */
	package?: { bytes: Buffer; from: string };
	/** `lock`: refuse later configurations; `unlock`: allow them again. */
	lock?: "lock" | "unlock";
	/** Asked before anything is written; what it throws refuses the configuration. */
	accept?: (cluster: Cluster) => Promise<unknown>;
}

export interface ConfigResult {
	warnings: Problem[];
	/** `made`: the other servers must get it; `imported`: it came with the zip; `kept`: only the lock was meant. */
	key: "made" | "imported" | "kept";
	locked: boolean;
}

/**
 * Applies a configuration. What is invalid changes nothing. The key is written before cluster.xml: a power cut between
 * leaves the old cluster.xml, visibly, and running the command again completes it.
 */
export async function configureCluster(paths: Paths, request: ConfigRequest): Promise<ConfigResult> {
	const { file, lock } = request;
	const wasLocked = await isLocked(paths);
	if (wasLocked && lock !== "unlock") {
		throw new SafekitError("CLUSTER_LOCKED", "the cluster configuration of this server is locked");
	}
	if (file === undefined && lock !== undefined) {
		// Only the lock is meant: a new key would cut this server off from the others.
		if ((await readApplied(paths)) === null) refuseUnconfigured();
		await setLock(paths, lock);
		return { warnings: [], key: "kept", locked: lock === "lock" };
	}
	const source = await sourceOf(paths, request);
	const { cluster, warnings } = readCluster(source.xml, file ?? request.package?.from ?? paths.clusterXml);
	await request.accept?.(cluster);
	await prepareFolder(paths);
	await replaceKey(paths, source.key ?? newKey());
	await replaceFile(paths.clusterXml, source.xml, 0o644);
	if (lock !== undefined) await setLock(paths, lock);
	return { warnings, key: source.key === null ? "made" : "imported", locked: lock === "lock" };
}

interface Source {
	xml: Buffer;
	key: Buffer | null;
}

function sourceOf(paths: Paths, { file, package: packed }: ConfigRequest): Promise<Source> | Source {
	if (packed !== undefined) return readClusterPackage(packed.bytes, packed.from);
	return file === undefined ? appliedSource(paths) : fileSource(file);
}

async function appliedSource(paths: Paths): Promise<Source> {
	return { xml: (await readApplied(paths)) ?? refuseUnconfigured(), key: null };
}

function refuseUnconfigured(): never {
	throw new SafekitError("CLUSTER_NOT_CONFIGURED", "this server has no cluster configuration");
}

async function fileSource(file: string): Promise<Source> {
	const bytes = await readBounded(file);
	if (bytes.readUInt16BE(0) === 0x504b) return readClusterPackage(bytes, file);
	return { xml: bytes, key: null };
}

async function readBounded(file: string): Promise<Buffer> {
	const unreadable = (why: string, cause?: unknown) =>
		new SafekitError("CLUSTER_FILE", `${file} ${why}`, { place: { file }, ...(cause === undefined ? {} : { cause }) });
	try {
		const info = await stat(file);
		if (!info.isFile()) throw unreadable("is not a file");
		if (info.size > maxFileBytes || info.size < 2) throw unreadable(`has ${info.size} bytes`);
		return await readFile(file);
	} catch (error) {
		if (error instanceof SafekitError) throw error;
		throw unreadable(`cannot be read: ${(error as NodeJS.ErrnoException).code}`, error);
	}
}

/** The key that counted until now stays known, for servers that do not have the new one yet. */
async function replaceKey(paths: Paths, key: Buffer): Promise<void> {
	const before = await readKeyFile(paths.clusterKey).catch(() => null);
	if (before?.equals(key)) return;
	if (before !== null) await rememberKey(paths, before);
	await replaceFile(paths.clusterKey, key, 0o600);
}

async function prepareFolder(paths: Paths): Promise<void> {
	const folder = dirname(paths.clusterXml);
	await makeFolder(folder, 0o755);
	await removeTemporaries(folder);
}

async function setLock(paths: Paths, lock: "lock" | "unlock"): Promise<void> {
	if (lock === "lock") await replaceFile(lockFile(paths), "", 0o644);
	else await remove(lockFile(paths));
}

async function remove(file: string): Promise<void> {
	await rm(file, { force: true });
	await syncFolder(dirname(file));
}

/** Checks a cluster.xml without applying it. Returns its warnings, throws CONFIG_INVALID. */
export async function checkClusterFile(file: string): Promise<Problem[]> {
	return readCluster((await fileSource(file)).xml, file).warnings;
}

/** Removes configuration, key and lock. True if there was a configuration. */
export async function deconfigureCluster(paths: Paths): Promise<boolean> {
	if (await isLocked(paths))
		throw new SafekitError("CLUSTER_LOCKED", "the cluster configuration of this server is locked");
	const existed = (await readApplied(paths)) !== null;
	await prepareFolder(paths);
	for (const file of [paths.clusterXml, paths.clusterKey, formerKeysFile(paths)]) await remove(file);
	return existed;
}

/** Makes a new cluster key; the other servers must get it. */
export async function generateClusterKey(paths: Paths): Promise<void> {
	await prepareFolder(paths);
	await replaceKey(paths, newKey());
}

/** True if there was a key. Without one no module can talk to its peer. */
export async function deleteClusterKey(paths: Paths): Promise<boolean> {
	const existed = (await readKeyFile(paths.clusterKey).catch(() => Buffer.alloc(0))) !== null;
	await prepareFolder(paths);
	await remove(paths.clusterKey);
	return existed;
}

/** Writes the cluster.xml of the servers server0, server1 and so on, for `cluster config` without argument. */
export async function createCluster(paths: Paths, addresses: readonly string[]): Promise<void> {
	if (addresses.length < 2) {
		throw new SafekitError("USAGE", "two addresses or more are expected", {
			remedy: "Run `safekit cluster create IP1 IP2`, with the addresses of further servers behind them.",
		});
	}
	if (await isLocked(paths))
		throw new SafekitError("CLUSTER_LOCKED", "the cluster configuration of this server is locked");
	const nodes = addresses.map((addr, index) => {
		const bare = addr.replace(/^\[(.*)\]$/, "$1");
		if (isIP(bare) === 0 && !/^[A-Za-z0-9_.-]{1,253}$/.test(bare)) {
			throw new SafekitError("USAGE", `${JSON.stringify(addr)} is neither an address nor a name`);
		}
		return `      <node name="server${index}" addr="${isIP(bare) === 6 ? `[${bare}]` : bare}"/>\n`;
	});
	const xml = Buffer.from(
		`<?xml version="1.0"?>\n<cluster>\n  <lans>\n    <lan name="default">\n${nodes.join("")}    </lan>\n  </lans>\n</cluster>\n`,
	);
	readCluster(xml, "cluster.xml");
	const inForce = await readApplied(paths);
	const hasKey = (await readKeyFile(paths.clusterKey).catch(() => Buffer.alloc(0))) !== null;
	if (inForce !== null && hasKey && !inForce.equals(xml)) {
		throw new SafekitError("CLUSTER_EXISTS", `this server is in a cluster already, see ${paths.clusterXml}`);
	}
	await prepareFolder(paths);
	await replaceFile(paths.clusterXml, xml, 0o644);
}

/** Writes cluster.xml and the key into a zip for the other servers. The file is a secret: mode 0600. */
export async function packageCluster(paths: Paths, target: string): Promise<void> {
	await replaceFile(target, await packedCluster(paths), 0o600);
}

/** The same as bytes. @throws SafekitError CLUSTER_NOT_CONFIGURED, CLUSTER_KEY. */
export async function packedCluster(paths: Paths): Promise<Buffer> {
	const xml = (await readApplied(paths)) ?? refuseUnconfigured();
	const key = await readKeyFile(paths.clusterKey);
	if (key === null) throw new SafekitError("CLUSTER_KEY", "this server has no cluster key");
	readCluster(xml, paths.clusterXml);
	return clusterPackage(xml, key);
}
