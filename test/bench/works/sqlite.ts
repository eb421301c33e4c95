/** SQLite commits, each of them synced. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../machine.ts";
import type { Sample, Work } from "../measure.ts";

const program = join(import.meta.dirname, "sqliteWorker.ts");

export const sqliteWorks: Work[] = [
	{
		rows: [{ row: "sqlite-commit", title: "SQLite commits, WAL, synchronous=full", unit: "op/s" }],
		needs: [],
		async run(bench, folder) {
			mkdirSync(folder, { recursive: true });
			const args = ["--no-warnings", program, join(folder, "db"), bench.quick ? "1" : "10"];
			return { "sqlite-commit": JSON.parse(await run(bench.signal, process.execPath, args)) as Sample };
		},
	},
];
