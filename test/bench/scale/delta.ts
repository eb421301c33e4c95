/** Few of very many files changed while the peer was away; and what a process needs for so many. */
import { join } from "node:path";
import { memoryOf } from "../machine.ts";
import type { Bench, Sample, Scenario, SubjectName } from "../measure.ts";
import { changeSome, makeSmall, makeSparse } from "./data.ts";
import { withServers } from "./servers.ts";

const scale = {
	full: { files: 1_000_000, sparseGb: 1000, everyGb: 50, rounds: 3 },
	quick: { files: 10_000, sparseGb: 10, everyGb: 1, rounds: 1 },
};

async function measure(bench: Bench, subject: SubjectName): Promise<Record<string, Sample[]>> {
	const { files, sparseGb, everyGb, rounds } = bench.quick ? scale.quick : scale.full;
	const fill = async (folder: string): Promise<void> => {
		bench.say(`making ${files} files and one of ${sparseGb} GB …`);
		await makeSmall(bench, folder, files, 64);
		makeSparse(join(folder, "sparse"), sparseGb, everyGb);
	};
	return withServers(bench, subject, fill, async (servers) => {
		const { a, b } = servers;
		await servers.up();
		// The secondary is a new process after each of its deaths.
		const secondary = [memoryOf(b.client.pid!).peakMb];
		const samples: Sample[] = [];
		for (let round = 0; round < rounds; round++) {
			const from = a.facts.length;
			await b.kill();
			await a.until("peerLost", from);
			await servers.goAlone(a);
			await changeSome(bench, a.dir, files);
			await b.open();
			const { ms, files: copied } = await servers.join(a, b, "PEER_BEHIND", false);
			bench.say(`1 % of ${files} files: ${(ms / 1000).toFixed(2)} s, ${copied} files copied`);
			samples.push({ value: ms / 1000 });
			secondary.push(memoryOf(b.client.pid!).peakMb);
		}
		return {
			"resync-delta": samples,
			"memory-primary": [{ value: memoryOf(a.client.pid!).peakMb }],
			"memory-secondary": [{ value: Math.max(...secondary) }],
		};
	});
}

export const deltaScenarios: Scenario[] = [
	{
		rows: [
			{ row: "resync-delta", title: "resync, 1 % of 1,000,000 files changed (quick: of 10,000)", unit: "s" },
			{
				row: "memory-primary",
				title: "peak memory, primary, 1,000,000 files and one of 1 TB (quick: a hundredth)",
				unit: "MB",
			},
			{ row: "memory-secondary", title: "peak memory, secondary, the same", unit: "MB" },
		],
		subjects: ["replicated-second"],
		run: measure,
	},
];
