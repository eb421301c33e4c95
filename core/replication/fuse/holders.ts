/**
 * Who keeps a mount busy, for the message that says so. Only reads /proc, but never in the data thread: the memory
 * maps of a process that waits for that thread may be locked.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Holder {
	pid: number;
	/** Name of the program. */
	command: string;
	/** A path below the mount that it has open, mapped, or stands in. */
	path: string;
}

/** Processes that hold something below `mount`, at most `limit`. */
export function findHolders(mount: string, limit = 20): Holder[] {
	const holders: Holder[] = [];
	for (const name of readdirSync("/proc")) {
		if (!/^\d+$/.test(name) || holders.length >= limit) continue;
		const path = heldPath(`/proc/${name}`, mount);
		if (path !== null)
			holders.push({
				pid: Number(name),
				command: quietly(() => readFileSync(`/proc/${name}/comm`, "utf8").trim()) ?? "",
				path,
			});
	}
	return holders;
}

/** Processes end while we look: whatever fails is nothing held. */
function heldPath(process: string, mount: string): string | null {
	const below = (path: string | null) => path !== null && (path === mount || path.startsWith(`${mount}/`));
	const links = [`${process}/cwd`, `${process}/root`];
	for (const fd of quietly(() => readdirSync(`${process}/fd`)) ?? []) links.push(`${process}/fd/${fd}`);
	for (const link of links) {
		const path = quietly(() => readlinkSync(link));
		if (below(path)) return path;
	}
	const maps = quietly(() => readFileSync(`${process}/maps`, "utf8")) ?? "";
	const mapped = maps.split("\n").map((line) => line.replace(/^(\S+\s+){5}/, ""));
	return mapped.find((path) => below(path)) ?? null;
}

function quietly<T>(read: () => T): T | null {
	try {
		return read();
	} catch {
		return null;
	}
}
