/**
 * What a module has set on this machine, written down before it is set: whoever starts after a crash finds it here and
 * takes it away. A second trace is the label of IPv4 addresses, and the names of interfaces.
 */
import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder, replaceFile } from "../module/files.ts";

export interface SetAddress {
	iface: string;
	addr: string;
	prefix: number;
}

export interface Held {
	addresses: SetAddress[];
	/** Interfaces of our own. */
	links: string[];
	/** There are tables of nftables, under the module's name. */
	filter: boolean;
}

export const nothing: Held = { addresses: [], links: [], filter: false };

/** What was set; nothing if nothing was, or if the record cannot be read. */
export async function readRecord(file: string): Promise<Held> {
	try {
		const record = JSON.parse(await readFile(file, "utf8")) as { [name in keyof Held]?: unknown };
		const { addresses, links, filter } = record;
		return {
			addresses: Array.isArray(addresses) ? addresses.filter(isSetAddress) : [],
			links: Array.isArray(links) ? links.filter((name) => typeof name === "string") : [],
			filter: filter === true,
		};
	} catch {
		return nothing;
	}
}

function isSetAddress(value: unknown): value is SetAddress {
	const entry = value as Partial<SetAddress> | null;
	return typeof entry?.iface === "string" && typeof entry.addr === "string" && Number.isInteger(entry.prefix);
}

export async function writeRecord(file: string, { addresses, links, filter }: Held): Promise<void> {
	if (addresses.length === 0 && links.length === 0 && !filter) {
		await rm(file, { force: true });
		return;
	}
	await makeFolder(dirname(file), 0o755);
	const shared = filter ? { links, filter } : {};
	await replaceFile(file, JSON.stringify({ addresses, ...shared }), 0o600);
}
