/** The cluster key: 32 random bytes that all servers of a cluster share, and the keys that derive from it. */
import { createHash, hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { SafekitError } from "../errors.ts";

export const keyBytes = 32;

export function newKey(): Buffer {
	return randomBytes(keyBytes);
}

/** Reads a key file; null if there is none. Throws CLUSTER_KEY if it is no key. */
export async function readKeyFile(path: string): Promise<Buffer | null> {
	try {
		return checkedKey(await readFile(path), path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
}

export function checkedKey(bytes: Buffer, file: string): Buffer {
	if (bytes.length === keyBytes) return bytes;
	const message = `${file} holds ${bytes.length} bytes, a cluster key has ${keyBytes}`;
	throw new SafekitError("CLUSTER_KEY", message, { place: { file } });
}

/**
 * The key of one purpose of one module. What one of them protects is worth nothing under another, so heartbeats and
 * replication, and two modules, can share the cluster key. Commands for other servers belong to no module.
 */
export function deriveKey(
	clusterKey: Buffer,
	purpose: "heartbeat" | "farm" | "replication" | "commands",
	module = "",
): Buffer {
	return Buffer.from(hkdfSync("sha256", clusterKey, "opensafe cluster key", `${purpose} ${module}`, 32));
}

/** Tells two keys apart without showing them. */
export function fingerprint(key: Buffer): string {
	return createHash("sha256").update("opensafe key fingerprint").update(key).digest("hex").slice(0, 16);
}
