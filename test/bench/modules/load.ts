/** What processes cost: memory and processor time, from /proc. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Memory {
	/** Resident, MB (2^20): what a process has in memory, shared pages counted whole. */
	rssMb: number;
	/** Proportional: shared pages counted in parts. */
	pssMb: number;
}

export function memoryOf(pids: readonly number[]): Memory {
	const total = { rssMb: 0, pssMb: 0 };
	for (const pid of pids) {
		const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
		const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) / 1024;
		total.rssMb += mb("Rss");
		total.pssMb += mb("Pss");
	}
	return total;
}

/** Clock ticks of all threads; 100 in a second of one core. */
function ticksOf(pids: readonly number[]): number {
	return pids.reduce((sum, pid) => {
		const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
		return sum + Number(fields[11]) + Number(fields[12]);
	}, 0);
}

/** Percent of one core that the processes use together while nothing is asked of them. */
export async function idleCpu(pids: readonly number[], seconds: number, signal: AbortSignal): Promise<number> {
	const [before, from] = [ticksOf(pids), performance.now()];
	await sleep(seconds * 1000, undefined, { signal });
	// A hundred ticks are a second: ticks per second are percent.
	return (ticksOf(pids) - before) / ((performance.now() - from) / 1000);
}

/** All processes of a server: the daemon, and what has its folder in the environment. */
export function processesOf(safevar: string): number[] {
	return readdirSync("/proc").flatMap((name) => {
		if (!/^\d+$/.test(name)) return [];
		try {
			return readFileSync(`/proc/${name}/environ`, "utf8").includes(`=${safevar}`) ? [Number(name)] : [];
		} catch {
			return [];
		}
	});
}
