/**
 * Keys that the cluster had before (`$SAFEVAR/cluster/former.keys`, 0600): `-H "*" -G` brings the new one to servers that
 * still have one of them. No server listens to them, and they are forgotten once every server has the new one.
 */
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { replaceFile, syncFolder } from "../module/files.ts";
import type { Paths } from "../module/paths.ts";
import { keyBytes } from "./key.ts";

const kept = 4;

export function formerKeysFile(paths: Paths): string {
	return join(dirname(paths.clusterKey), "former.keys");
}

/** The newest first. What is damaged counts as none: they only spare a way on foot. */
export async function formerKeys(paths: Paths): Promise<Buffer[]> {
	const bytes = await readFile(formerKeysFile(paths)).catch(() => Buffer.alloc(0));
	const count = Math.min(kept, Math.floor(bytes.length / keyBytes));
	return Array.from({ length: count }, (_, index) => bytes.subarray(index * keyBytes, (index + 1) * keyBytes));
}

export async function rememberKey(paths: Paths, key: Buffer): Promise<void> {
	const others = (await formerKeys(paths)).filter((known) => !known.equals(key));
	await replaceFile(formerKeysFile(paths), Buffer.concat([key, ...others].slice(0, kept)), 0o600);
}

export async function forgetFormerKeys(paths: Paths): Promise<void> {
	await rm(formerKeysFile(paths), { force: true });
	await syncFolder(dirname(paths.clusterKey)).catch(() => {});
}
