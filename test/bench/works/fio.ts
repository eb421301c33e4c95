/** Reads and writes, by fio. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { dropCaches, run, syncDisk } from "../machine.ts";
import type { Bench, RowKind, Sample, Unit, Work } from "../measure.ts";

interface Job {
	row: string;
	title: string;
	unit: Unit;
	/** fio's `rw` and `bs`. */
	rw: "write" | "read" | "randwrite" | "randread";
	bs: string;
	jobs: number;
	/** Of each job's file, MiB, in a full and in a quick run. */
	sizeMb: [number, number];
	/** Ends after so many seconds; undefined: when the file was gone through once. */
	seconds?: [number, number];
	/** More of fio's words. */
	also?: string[];
}

const sequential: Pick<Job, "unit" | "jobs"> = { unit: "MB/s", jobs: 1 };
const random: Pick<Job, "unit" | "bs" | "sizeMb" | "seconds"> = {
	unit: "op/s",
	bs: "4k",
	sizeMb: [128, 32],
	seconds: [8, 1],
};

/** Bandwidths of writes hold the sync at the end: without it they would measure memory. */
const jobs: Job[] = [
	{
		...sequential,
		row: "sequential-write-1m",
		title: "sequential write, 1 MiB, synced at the end",
		rw: "write",
		bs: "1M",
		sizeMb: [1024, 128],
		also: ["--end_fsync=1"],
	},
	{
		...sequential,
		row: "sequential-write-128k",
		title: "sequential write, 128 KiB, synced at the end",
		rw: "write",
		bs: "128k",
		sizeMb: [1024, 128],
		also: ["--end_fsync=1"],
	},
	{ ...random, row: "random-write-4k-1", title: "random write 4 KiB, 1 job", rw: "randwrite", jobs: 1 },
	{ ...random, row: "random-write-4k-4", title: "random write 4 KiB, 4 jobs", rw: "randwrite", jobs: 4 },
	{
		...random,
		row: "fsync-write-4k-1",
		title: "write 4 KiB + fsync, 1 job",
		rw: "write",
		jobs: 1,
		also: ["--fsync=1"],
	},
	{
		...random,
		row: "fsync-write-4k-4",
		title: "write 4 KiB + fsync, 4 jobs",
		rw: "write",
		jobs: 4,
		also: ["--fsync=1"],
	},
	{
		...sequential,
		row: "sequential-read-1m",
		title: "sequential read, 1 MiB, from disk",
		rw: "read",
		bs: "1M",
		sizeMb: [1024, 128],
	},
	{ ...random, row: "random-read-4k-1", title: "random read 4 KiB, 1 job, from disk", rw: "randread", jobs: 1 },
];

interface FioDirection {
	iops: number;
	bw_bytes: number;
	clat_ns: { percentile: Record<string, number> };
}

interface FioJob {
	write: FioDirection;
	read: FioDirection;
	sync: { lat_ns: { percentile: Record<string, number> } };
}

export const fioWorks: Work[] = jobs.map((job) => {
	const kind: RowKind = { row: job.row, title: job.title, unit: job.unit };
	return {
		rows: [kind],
		needs: ["fio"],
		run: async (bench, folder) => ({ [job.row]: await measure(bench, folder, job) }),
	};
});

async function measure(bench: Bench, folder: string, job: Job): Promise<Sample> {
	const pick = <T>([full, quick]: [T, T]): T => (bench.quick ? quick : full);
	const common = ["--name=bench", `--directory=${folder}`, `--size=${pick(job.sizeMb)}M`, `--numjobs=${job.jobs}`];
	const engine = ["--ioengine=psync", "--thread", "--group_reporting", "--output-format=json", "--fallocate=none"];
	mkdirSync(folder, { recursive: true });
	// Files are written before: overwriting and filling holes are different things.
	if (job.rw !== "write") {
		await run(bench.signal, "fio", [...common, ...engine, "--rw=write", "--bs=1M", "--end_fsync=1"]);
		await syncDisk(bench.signal, join(folder, ".."));
	}
	if (job.rw.endsWith("read")) dropCaches();
	const timed = job.seconds === undefined ? [] : ["--time_based", `--runtime=${pick(job.seconds) * 1000}ms`];
	const words = [...common, ...engine, `--rw=${job.rw}`, `--bs=${job.bs}`, ...timed, ...(job.also ?? [])];
	const out = await run(bench.signal, "fio", words);
	const [result] = JSON.parse(out.slice(out.indexOf("{"))).jobs as FioJob[];
	return sampleOf(job, result!);
}

function sampleOf(job: Job, { write, read, sync }: FioJob): Sample {
	const direction = job.rw.endsWith("read") ? read : write;
	if (job.unit === "MB/s") return { value: direction.bw_bytes / 1e6 };
	// With a sync after each write, the operation is both; fio reports them apart.
	const synced = job.also?.includes("--fsync=1") === true ? sync.lat_ns.percentile : {};
	const us = (key: string): number => ((direction.clat_ns.percentile[key] ?? 0) + (synced[key] ?? 0)) / 1000;
	return { value: direction.iops, p50Us: us("50.000000"), p99Us: us("99.000000") };
}
