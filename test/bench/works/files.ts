/** Small files: made, looked at, removed. Every round has fresh folders: ext4 slows down in those that lost many names. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { dropCaches, run } from "../machine.ts";
import type { Bench, Sample, Work } from "../measure.ts";

const program = join(import.meta.dirname, "filesWorker.ts");

interface Counted extends Sample {
	count: number;
}

async function files(bench: Bench, what: string, folder: string, count: number, bytes: number): Promise<Counted> {
	const seconds = bench.quick ? 2 : 60;
	const args = ["--no-warnings", program, what, folder, String(count), String(bytes), String(seconds)];
	return JSON.parse(await run(bench.signal, process.execPath, args)) as Counted;
}

/** In processes of their own, which measure themselves: what their start takes is not counted. */
function parallel(bench: Bench, what: string, folder: string, counts: number[]): Promise<Counted[]> {
	return Promise.all(counts.map((count, n) => files(bench, what, join(folder, `p${n}`), count, 0)));
}

function together(all: Counted[]): Sample {
	const worst = (key: "p50Us" | "p99Us"): number => Math.max(...all.map((each) => each[key] ?? 0));
	return { value: all.reduce((sum, each) => sum + each.value, 0), p50Us: worst("p50Us"), p99Us: worst("p99Us") };
}

const sample = ({ value, p50Us, p99Us }: Counted): Sample => ({ value, p50Us: p50Us ?? 0, p99Us: p99Us ?? 0 });

export const fileWorks: Work[] = [
	{
		rows: [
			{ row: "create", title: "create 20,000 empty files", unit: "op/s" },
			{ row: "stat", title: "stat of them", unit: "op/s" },
			{ row: "unlink", title: "unlink of them", unit: "op/s" },
		],
		needs: [],
		async run(bench, folder) {
			mkdirSync(folder, { recursive: true });
			const made = await files(bench, "create", folder, bench.quick ? 3000 : 20_000, 0);
			dropCaches();
			const looked = await files(bench, "stat", folder, made.count, 0);
			const removed = await files(bench, "unlink", folder, made.count, 0);
			return { create: sample(made), stat: sample(looked), unlink: sample(removed) };
		},
	},
	{
		rows: [{ row: "create-1k", title: "create files of 1 KiB", unit: "op/s" }],
		needs: [],
		async run(bench, folder) {
			mkdirSync(folder, { recursive: true });
			return { "create-1k": sample(await files(bench, "create", folder, bench.quick ? 2000 : 20_000, 1024)) };
		},
	},
	{
		rows: [
			{ row: "create-4", title: "create empty files, 4 processes", unit: "op/s" },
			{ row: "unlink-4", title: "unlink of them, 4 processes", unit: "op/s" },
		],
		needs: [],
		async run(bench, folder) {
			const counts = Array.from({ length: 4 }, () => (bench.quick ? 1000 : 5000));
			for (const n of counts.keys()) mkdirSync(join(folder, `p${n}`), { recursive: true });
			const made = await parallel(bench, "create", folder, counts);
			const removed = await parallel(
				bench,
				"unlink",
				folder,
				made.map(({ count }) => count),
			);
			return { "create-4": together(made), "unlink-4": together(removed) };
		},
	},
];
