/** Facts of this machine's system: which run of it this is, which process is which. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * Names one run of the operating system: the kernel's boot, the process namespace, and when its first process
 * started. Whatever was true of processes, mounts and addresses in another run is void in this one.
 */
export function osIncarnation(): string {
	const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
	return `${boot}/${readlinkSync("/proc/self/ns/pid")}/${startTimeOf(1) ?? "0"}`;
}

/** Field 22 of /proc/PID/stat, which with the pid names one process for good; null if it is gone or a zombie. */
export function startTimeOf(pid: number): string | null {
	const fields = statOf(pid);
	if (fields === null || fields[0] === "Z" || fields[0] === "X") return null;
	return fields[19] ?? null;
}

/** Session that a process belongs to; null if it is gone. A script and all it starts share one. */
export function sessionOf(pid: number): number | null {
	const fields = statOf(pid);
	return fields === null ? null : Number(fields[3]);
}

/** The leader of a session whose environment holds `name=value`, and that `fits`; null: none lives. */
export function leaderWith(
	name: string,
	value: string,
	fits: (pid: number) => boolean = () => true,
): { pid: number; startTime: string } | null {
	const wanted = `\0${name}=${value}\0`;
	for (const entry of readdirSync("/proc")) {
		const pid = Number(entry);
		if (!Number.isInteger(pid) || sessionOf(pid) !== pid) continue;
		const startTime = startTimeOf(pid);
		if (startTime !== null && environmentOf(pid).includes(wanted) && fits(pid)) return { pid, startTime };
	}
	return null;
}

function environmentOf(pid: number): string {
	try {
		return `\0${readFileSync(`/proc/${pid}/environ`, "utf8")}\0`;
	} catch {
		return "";
	}
}

/** Fields of /proc/PID/stat from the third (state) on: the second may hold blanks. */
export function statOf(pid: number): string[] | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	} catch {
		return null;
	}
}
