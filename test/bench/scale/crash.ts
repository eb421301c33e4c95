/** The primary's process dies in the middle of writes; the other one takes over; the first one returns. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { TestNode } from "../../replication/pair.ts";
import type { Bench, Sample, Scenario, SubjectName } from "../measure.ts";
import type { Servers } from "../subjects/servers.ts";
import { makeSparse } from "./data.ts";
import { withServers } from "./servers.ts";

const scale = {
	full: { gb: 100, everyGb: 2, hotMs: 4000, rounds: 4, dirtyMb: 256 },
	quick: { gb: 20, everyGb: 2, hotMs: 500, rounds: 1, dirtyMb: 32 },
};

/** Takes over, as the engine orders it. Returns milliseconds until the first change is answered. */
export async function takeOver(servers: Servers, node: TestNode): Promise<number> {
	await node.until("linkLost");
	const started = performance.now();
	await node.ask({ order: "promote" }, "promoted");
	await node.ask({ order: "serve", term: servers.term(), alone: true }, "serving");
	writeFileSync(join(node.dir, "first-change"), String(servers.term()));
	return performance.now() - started;
}

/** Writes 4 KiB here and there into the beginning of a file, until its process is ended. */
function heat(signal: AbortSignal, file: string, mb: number) {
	const words = ["--name=hot", `--filename=${file}`, "--rw=randwrite", "--bs=4k", `--io_size=${mb}G`, `--size=${mb}M`];
	return execa("fio", [...words, "--ioengine=psync", "--thread", "--fallocate=none", "--overwrite=1"], {
		reject: false,
		cancelSignal: signal,
	});
}

async function crashes(bench: Bench, subject: SubjectName): Promise<Record<string, Sample[]>> {
	const { gb, everyGb, hotMs, rounds } = bench.quick ? scale.quick : scale.full;
	const fill = (folder: string): void => makeSparse(join(folder, "sparse"), gb, everyGb);
	return withServers(bench, subject, fill, async (servers) => {
		await servers.up();
		const samples: Sample[] = [];
		let [primary, secondary] = [servers.a, servers.b];
		for (let round = 0; round < rounds; round++) {
			const hot = heat(bench.signal, join(primary.dir, "sparse"), 64);
			await sleep(hotMs, undefined, { signal: bench.signal });
			secondary.facts = [];
			await primary.kill();
			await takeOver(servers, secondary);
			hot.kill("SIGKILL");
			primary.facts = [];
			await primary.open();
			const { ms, bytes } = await servers.join(secondary, primary, "CRASHED_PRIMARY", false);
			bench.say(`after a crash with ${gb} GB: ${(ms / 1000).toFixed(2)} s, ${(bytes / 1e6).toFixed(0)} MB copied`);
			samples.push({ value: ms / 1000 });
			[primary, secondary] = [secondary, primary];
		}
		return { "resync-crash": samples };
	});
}

/** Failover with nothing unsynced, and with much; and the sync of a primary that loses its peer. */
async function failovers(bench: Bench, subject: SubjectName): Promise<Record<string, Sample[]>> {
	const { rounds, dirtyMb } = bench.quick ? scale.quick : scale.full;
	const found: Record<string, Sample[]> = { "failover-clean": [], "failover-dirty": [], "sync-before-alone": [] };
	for (let round = 0; round < rounds; round++) {
		for (const dirty of [false, true]) {
			const make = async (action: (servers: Servers) => Promise<number>): Promise<Sample> => {
				const value = await withServers(
					bench,
					subject,
					() => {},
					async (servers) => {
						await servers.up();
						await fillCache(servers.a.dir, dirty ? dirtyMb : 0);
						return action(servers);
					},
				);
				return { value };
			};
			const over = await make(async (servers) => {
				await servers.a.kill();
				return takeOver(servers, servers.b);
			});
			found[dirty ? "failover-dirty" : "failover-clean"]!.push(over);
			if (!dirty) continue;
			const alone = await make(async (servers) => {
				await servers.b.kill();
				await servers.a.until("peerLost");
				const started = performance.now();
				await servers.goAlone(servers.a);
				return performance.now() - started;
			});
			found["sync-before-alone"]!.push(alone);
		}
	}
	return found;
}

/** Written and not synced; a clean cache: written and synced. */
async function fillCache(folder: string, mb: number): Promise<void> {
	await execa("dd", ["if=/dev/urandom", `of=${join(folder, "cached")}`, "bs=1M", `count=${Math.max(mb, 1)}`]);
	if (mb === 0) await execa("sync", ["-f", folder]);
}

export const crashScenarios: Scenario[] = [
	{
		rows: [
			{ row: "resync-crash", title: "resync after a primary's crash, 100 GB mostly holes (quick: 20)", unit: "s" },
		],
		subjects: ["replicated-second"],
		run: crashes,
	},
	{
		rows: [
			{ row: "failover-clean", title: "promotion until the first change is answered, nothing unsynced", unit: "ms" },
			{ row: "failover-dirty", title: "the same with 256 MB unsynced (quick: 32)", unit: "ms" },
			{ row: "sync-before-alone", title: "a primary goes alone with 256 MB unsynced (quick: 32)", unit: "ms" },
		],
		subjects: ["replicated-second"],
		run: failovers,
	},
];
