/**
 * Which addresses a module has set on this machine, written down before they are set: whoever starts after a crash
 * finds them here and takes them away. A second trace is the label of IPv4 addresses.
 */
import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder, replaceFile } from "../module/files.ts";

export interface SetAddress {
	iface: string;
	addr: string;
	prefix: number;
}

/** What was set; empty if nothing was, or if the record cannot be read. */
export async function readRecord(file: string): Promise<SetAddress[]> {
	try {
		const record = JSON.parse(await readFile(file, "utf8")) as { addresses?: unknown };
		return Array.isArray(record.addresses) ? record.addresses.filter(isSetAddress) : [];
	} catch {
		return [];
	}
}

function isSetAddress(value: unknown): value is SetAddress {
	const entry = value as Partial<SetAddress> | null;
	return typeof entry?.iface === "string" && typeof entry.addr === "string" && Number.isInteger(entry.prefix);
}

export async function writeRecord(file: string, addresses: readonly SetAddress[]): Promise<void> {
	if (addresses.length === 0) {
		await rm(file, { force: true });
		return;
	}
	await makeFolder(dirname(file), 0o755);
	await replaceFile(file, JSON.stringify({ addresses }), 0o600);
}
