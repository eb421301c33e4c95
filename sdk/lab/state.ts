/**
 * What a lab leaves on the disk: one state folder for each lab, named after its owner's pid and start time, so that
 * the next run knows which ones nobody owns any more, also after a `kill -9`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { inNamespaces } from "./namespaces.ts";

const prefix = "opensafe-lab-";
/** Magic numbers of ext4, XFS and btrfs: they keep file handles and trusted attributes, as replication needs. */
const realDisks = [0xef53, 0x58465342, 0x9123683e];
const candidates = ["/var/tmp", "/var/lib", "/root", "/home"];

let opened = 0;

/** Makes the state folder of a new lab of this process; its name is unique on this machine. */
export function makeStateFolder(): string {
	const name = `${prefix}${process.pid}-${startTimeOf(process.pid)}-${++opened}`;
	const folder = join(stateParent(), name);
	mkdirSync(folder, { mode: 0o755 });
	return folder;
}

/** Removes a state folder and the control groups that its nodes made. No node of it may be running. */
export async function removeStateFolder(folder: string): Promise<void> {
	await removeControlGroups(folder);
	rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Removes what labs left whose owners are gone. Returns the folders that it removed. */
export async function removeAbandoned(): Promise<string[]> {
	const removed: string[] = [];
	for (const name of readdirSync(stateParent()).filter((each) => each.startsWith(prefix))) {
		const [pid, startTime] = name.slice(prefix.length).split("-");
		if (pid === undefined || startTime === undefined || startTimeOf(Number(pid)) === startTime) continue;
		await removeStateFolder(join(stateParent(), name));
		removed.push(name);
	}
	return removed;
}

/** Field 22 of /proc/PID/stat: with the pid it names one process for good. Null when it is gone, or dead and not buried. */
export function startTimeOf(pid: number): string | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		return fields[0] === "Z" ? null : (fields[19] ?? null);
	} catch {
		return null;
	}
}

/** A folder on a real disk; memory and overlays cannot hold a replicated directory. */
function stateParent(): string {
	return candidates.find(isOnRealDisk) ?? "/var/tmp";
}

function isOnRealDisk(folder: string): boolean {
	try {
		return realDisks.includes(statfsSync(folder).type);
	} catch {
		return false;
	}
}

/** Control groups outlive the processes in them, and the machine may have no cgroup2 mounted: mount one privately. */
async function removeControlGroups(folder: string): Promise<void> {
	const script = `mkdir -p "$1/cgroup" && mount -t cgroup2 cgroup2 "$1/cgroup" &&
		find "$1/cgroup" -depth -type d -path "*/$(basename "$1")*" -exec rmdir {} +`;
	const [program, args] = inNamespaces("mounts", script, [folder]);
	await execa(program, args, { reject: false, stdio: "ignore", timeout: 10_000 });
}
