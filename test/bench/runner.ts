/** Does every piece of work on every subject, in turn, as often as the time allows. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { syncDisk } from "./machine.ts";
import type { Bench, Measured, Sample, Scenario, Subject, SubjectName, Work } from "./measure.ts";
import { shown } from "./report/table.ts";

/** After a work, what is still on its way gets there before the next one is measured. */
const settleMs = 200;

export class Runner {
	readonly measured: Measured[] = [];
	readonly problems: string[] = [];
	/** What there was no time for. */
	readonly leftOut = new Set<string>();
	readonly #bench: Bench;
	readonly #endMs: number;

	/** @param endMs of performance.now: nothing is begun after it. */
	constructor(bench: Bench, endMs: number) {
		this.#bench = bench;
		this.#endMs = endMs;
	}

	/** At least one round; another one only if it would end before `untilMs` (of performance.now). */
	async rounds(works: readonly Work[], subjects: readonly Subject[], most: number, untilMs: number): Promise<void> {
		let longestMs = 0;
		for (let round = 0; round < most; round++) {
			const started = performance.now();
			if (round > 0 && started + longestMs * 1.1 > untilMs) {
				this.#bench.say(`No time for round ${round + 1}`);
				return;
			}
			for (const work of works) {
				// Whoever comes first meets another disk than the last one does.
				for (let n = 0; n < subjects.length; n++) {
					await this.#measure(work, subjects[(n + round) % subjects.length]!, round, most);
				}
			}
			longestMs = Math.max(longestMs, performance.now() - started);
		}
	}

	async scenario(scenario: Scenario, subject: SubjectName): Promise<void> {
		const title = scenario.rows.map(({ row }) => row).join(", ");
		if (this.#isOver(title)) return;
		this.#bench.say(`${title} on ${subject} …`);
		try {
			const found = await scenario.run(this.#bench, subject);
			for (const { row } of scenario.rows) {
				for (const sample of found[row] ?? []) this.#add(scenario.rows, row, subject, sample);
			}
		} catch (error) {
			this.#failed(error, title, subject);
		}
	}

	/** On a machine that is busy with something else, a part is better than no end. */
	#isOver(title: string): boolean {
		if (performance.now() < this.#endMs) return false;
		if (!this.leftOut.has(title)) this.#bench.say(`No time for ${title}`);
		this.leftOut.add(title);
		return true;
	}

	async #measure(work: Work, subject: Subject, round: number, most: number): Promise<void> {
		const { signal } = this.#bench;
		const title = work.rows.map(({ row }) => row).join(", ");
		if (this.#isOver(title)) return;
		const folder = join(subject.folder, `${work.rows[0]!.row}-${round}`);
		let found: Record<string, Sample> | null = null;
		try {
			found = await work.run(this.#bench, folder, subject);
			rmSync(folder, { recursive: true, force: true });
		} catch (error) {
			this.#failed(error, title, subject.name);
		}
		for (const { row } of work.rows) this.#add(work.rows, row, subject.name, found?.[row] ?? null);
		const values = work.rows.map(({ row, unit }) => (found?.[row] ? `${shown(found[row].value)} ${unit}` : "failed"));
		this.#bench.say(`${round + 1}/${most} ${title} on ${subject.name}: ${values.join(", ")}`);
		await sleep(settleMs, undefined, { signal });
		await syncDisk(signal, this.#bench.scratch);
	}

	#add(kinds: Work["rows"], row: string, subject: SubjectName, sample: Sample | null): void {
		let entry = this.measured.find((each) => each.kind.row === row && each.subject === subject);
		if (entry === undefined) {
			entry = { kind: kinds.find((kind) => kind.row === row)!, subject, samples: [] };
			this.measured.push(entry);
		}
		entry.samples.push(sample);
	}

	#failed(error: unknown, title: string, subject: SubjectName): void {
		this.#bench.signal.throwIfAborted();
		const why = error instanceof Error ? error.message : String(error);
		this.problems.push(`${title} on ${subject} failed: ${why.split("\n").slice(0, 3).join(" ")}`);
		this.#bench.say(this.problems.at(-1)!);
	}
}

/** A folder that only root and those who know the way may enter. */
export function makeScratch(root: string): string {
	const scratch = join(root, "scratch");
	mkdirSync(scratch, { mode: 0o755 });
	return scratch;
}
