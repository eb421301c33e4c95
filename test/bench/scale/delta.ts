/** Few of very many files changed while the peer was away; and what a process needs for so many. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestNode } from "../../replication/pair.ts";
import { journaledFolder } from "../journal.ts";
import { forgetPeak, memoryOf } from "../machine.ts";
import type { Bench, Sample, Scenario, SubjectName } from "../measure.ts";
import type { Servers } from "../subjects/servers.ts";
import { takeOver } from "./crash.ts";
import { changeSome, makeSmall, makeSparse } from "./data.ts";
import { withServers } from "./servers.ts";

const scale = {
	full: { files: 1_000_000, sparseGb: 1000, everyGb: 50, rounds: 3 },
	quick: { files: 10_000, sparseGb: 10, everyGb: 1, rounds: 1 },
};

/** Of which one in a hundred is written just before the crash. */
const hotFiles = 10_000;
/** So that a checkpoint and the walk have ended. */
const restMs = 15_000;

/** The most that a process used since the last question, by phase. */
class Peaks {
	readonly #bench: Bench;
	readonly #most = new Map<string, number>();

	constructor(bench: Bench) {
		this.#bench = bench;
	}

	/** A new process begins a new peak, whatever its role. */
	take(phase: string, nodes: Record<"primary" | "secondary", TestNode>): void {
		const words = Object.entries(nodes).map(([role, { client }]) => {
			const { peakMb, nowMb } = memoryOf(client.pid!);
			this.#most.set(role, Math.max(this.of(role), peakMb));
			forgetPeak(client.pid!);
			return `${role} ${peakMb.toFixed(0)} MB (${nowMb.toFixed(0)} now)`;
		});
		this.#bench.say(`memory, ${phase}: ${words.join(", ")}`);
	}

	of(role: string): number {
		return this.#most.get(role) ?? 0;
	}
}

/** The peer is away while one file in a hundred changes. */
async function delta(bench: Bench, servers: Servers, files: number): Promise<number> {
	const { a, b } = servers;
	const from = a.facts.length;
	await b.kill();
	await a.until("peerLost", from);
	await servers.goAlone(a);
	await changeSome(bench, a.dir, files);
	await b.open();
	const { ms, files: copied } = await servers.join(a, b, "PEER_BEHIND", false);
	bench.say(`1 % of ${files} files: ${(ms / 1000).toFixed(2)} s, ${copied} files copied`);
	return ms / 1000;
}

/** The primary dies while some files are written; the other one takes over, and the first one comes back. */
async function crash(bench: Bench, servers: Servers, files: number): Promise<number> {
	const { a, b } = servers;
	await changeSome(bench, a.dir, hotFiles);
	b.facts = [];
	await a.kill();
	const overMs = await takeOver(servers, b);
	a.facts = [];
	await a.open();
	const { ms, files: copied } = await servers.join(b, a, "CRASHED_PRIMARY", false);
	bench.say(
		`after a crash with ${files} files: served after ${overMs.toFixed(0)} ms, ${(ms / 1000).toFixed(2)} s, ${copied} files copied`,
	);
	return ms / 1000;
}

async function measure(bench: Bench, subject: SubjectName): Promise<Record<string, Sample[]>> {
	const { files, sparseGb, everyGb, rounds } = bench.quick ? scale.quick : scale.full;
	const fill = async (folder: string): Promise<void> => {
		bench.say(`making ${files} files and one of ${sparseGb} GB …`);
		await makeSmall(bench, folder, files, 64);
		makeSparse(join(folder, "sparse"), sparseGb, everyGb);
	};
	// Both copies, and their directories.
	const place = await journaledFolder(bench, bench.scratch, 2.2 * files);
	return withServers({ ...bench, scratch: place }, subject, fill, async (servers) => {
		const { a, b } = servers;
		const peaks = new Peaks(bench);
		await Promise.all([a.open(), b.open()]);
		const { ms } = await servers.join(a, b, "NEW", true);
		bench.say(`first copy of ${files} files: ${(ms / 1000).toFixed(1)} s`);
		peaks.take("first copy", { primary: a, secondary: b });
		await sleep(restMs, undefined, { signal: bench.signal });
		peaks.take("at rest", { primary: a, secondary: b });
		const deltas: Sample[] = [];
		for (let round = 0; round < rounds; round++) {
			deltas.push({ value: await delta(bench, servers, files) });
			peaks.take("delta", { primary: a, secondary: b });
		}
		const crashed = [{ value: await crash(bench, servers, files) }];
		peaks.take("after the crash", { primary: b, secondary: a });
		return {
			"resync-first": [{ value: (files / ms) * 1000 }],
			"resync-delta": deltas,
			"resync-crash-files": crashed,
			"memory-primary": [{ value: peaks.of("primary") }],
			"memory-secondary": [{ value: peaks.of("secondary") }],
		};
	});
}

export const deltaScenarios: Scenario[] = [
	{
		rows: [
			{
				row: "resync-first",
				title: "first copy of 1,000,000 files of 64 bytes and a sparse one of 1 TB (quick: a hundredth)",
				unit: "files/s",
			},
			{ row: "resync-delta", title: "resync, 1 % of 1,000,000 files changed (quick: of 10,000)", unit: "s" },
			{
				row: "resync-crash-files",
				title: "resync after a primary's crash, 1,000,000 files (quick: 10,000)",
				unit: "s",
			},
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
