/** `npm run bench`: measures, compares, reports. Ratios on standard output, progress on standard error. */
import { chmodSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { ensureDebianPackages } from "../../sdk/lab/prerequisites.ts";
import { diskFolder, makeTestFolder } from "../folder.ts";
import { benchPackages } from "../packages.ts";
import { benchCheckers } from "./checkers/main.ts";
import { benchFarm } from "./farm/main.ts";
import { journaledFolder } from "./journal.ts";
import { commit, describeMachine, freeBytes } from "./machine.ts";
import type { Bench, Subject, Work } from "./measure.ts";
import { benchModules } from "./modules/main.ts";
import { type Options, readOptions, UsageError, usage } from "./options.ts";
import { aimTable } from "./report/aims.ts";
import { writeResults } from "./report/results.ts";
import { asText, numbers, ratios, rowsOf } from "./report/table.ts";
import { makeScratch, Runner } from "./runner.ts";
import { scenarios } from "./scale/all.ts";
import { openSubject } from "./subjects/open.ts";
import { dataWorks, nameWorks, works } from "./works/all.ts";

const project = join(import.meta.dirname, "../..");
const rounds = { quick: 2, full: 5 };
const neededBytes = { quick: 4e9, full: 25e9 };
/** Of the time, for what is done on every subject; the rest is for resyncs. */
const kinds = [
	{ all: dataWorks, share: 0.4, place: (_bench: Bench, root: string) => root },
	{ all: nameWorks, share: 0.2, place: journaledFolder },
];

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** What is to be given up, the last thing first. */
class Undo {
	readonly #actions: (() => Promise<void> | void)[] = [];

	add(action: () => Promise<void> | void): void {
		this.#actions.push(action);
	}

	async all(): Promise<void> {
		for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) {
			try {
				await action();
			} catch (error) {
				say(`Could not be ended: ${(error as Error).message}`);
			}
		}
	}
}

/** What stands in the way of measuring at all. */
function unable(options: Options): string | null {
	if (process.getuid?.() !== 0) return "it mounts file systems and drops caches, so it needs root";
	const needed = neededBytes[options.quick ? "quick" : "full"];
	const free = freeBytes(diskFolder);
	if (free < needed) return `${diskFolder} has ${(free / 1e9).toFixed(1)} GB free and ${needed / 1e9} GB are needed`;
	return null;
}

async function measure(options: Options, signal: AbortSignal): Promise<{ runner: Runner; notes: string[] }> {
	const missing = await ensureDebianPackages(benchPackages, say);
	const root = makeTestFolder("bench", diskFolder);
	const undo = new Undo();
	const notes = missing.length === 0 ? [] : [`Left out for lack of ${missing.join(", ")}: what needs them`];
	try {
		chmodSync(root, 0o711);
		const scratch = makeScratch(root);
		const bench: Bench = { quick: options.quick, scratch, signal, say, atEnd: (action) => undo.add(action) };
		const runner = new Runner(bench, performance.now() + options.budgetMs);
		for (const { all, share, place } of kinds) {
			const wanted = wantedOf(options, all, missing);
			if (wanted.length === 0) continue;
			const untilMs = performance.now() + options.budgetMs * share;
			const subjects = await openSubjects(options, bench, runner, await place(bench, root), missing);
			await runner.rounds(wanted, subjects, rounds[options.quick ? "quick" : "full"], untilMs);
			await undo.all();
		}
		await measureScenarios(options, runner, undo);
		if (runner.leftOut.size > 0) notes.push(`No time was left for ${[...runner.leftOut].join("; ")}`);
		return { runner, notes: [...notes, ...runner.problems] };
	} finally {
		await undo.all();
		say("Removing what was made …");
		rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
	}
}

function wantedOf(options: Options, all: readonly Work[], missing: readonly string[]): readonly Work[] {
	return all.filter(
		(work) =>
			work.rows.some(({ row }) => options.only?.includes(row) ?? true) &&
			!work.needs.some((name) => missing.includes(name)),
	);
}

async function openSubjects(
	options: Options,
	bench: Bench,
	runner: Runner,
	root: string,
	missing: readonly string[],
): Promise<Subject[]> {
	const subjects: Subject[] = [];
	for (const name of options.subjects) {
		if (name === "gluster" && missing.some((each) => each.startsWith("glusterfs"))) continue;
		try {
			subjects.push(await openSubject(bench, root, name));
		} catch (error) {
			bench.signal.throwIfAborted();
			runner.problems.push(`${name} does not start: ${(error as Error).message.split("\n")[0]}`);
			bench.say(runner.problems.at(-1)!);
		}
	}
	return subjects;
}

async function measureScenarios(options: Options, runner: Runner, undo: Undo) {
	for (const scenario of scenarios) {
		if (!scenario.rows.some(({ row }) => options.only?.includes(row) ?? true)) continue;
		for (const subject of options.subjects.filter((name) => scenario.subjects.includes(name))) {
			await runner.scenario(scenario, subject);
			await undo.all();
		}
	}
}

async function main(): Promise<number> {
	let options: Options;
	try {
		options = readOptions(
			process.argv.slice(2),
			[...works, ...scenarios].flatMap((each) => each.rows.map(({ row }) => row)),
		);
	} catch (error) {
		if (!(error instanceof UsageError)) throw error;
		process.stderr.write(`Error: ${error.message}\n\n${usage}`);
		return 2;
	}
	if (options.help) {
		process.stdout.write(usage);
		return 0;
	}
	const why = unable(options);
	if (why !== null) {
		process.stderr.write(`Error: the benchmark cannot run: ${why}.\n`);
		return 1;
	}
	const stopped = new AbortController();
	for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stopped.abort());
	const [started, load, date] = [performance.now(), loadavg()[0] ?? 0, new Date().toISOString().slice(0, 10)];
	try {
		const { runner, notes } = await measure(options, stopped.signal);
		const minutes = Math.round((performance.now() - started) / 60_000);
		const facts = { machine: describeMachine(diskFolder), date, commit: commit(project), minutes, load, notes };
		report(options, runner, notes);
		if (options.write) writeResults(join(import.meta.dirname, "RESULTS.md"), runner.measured, facts);
		if (options.json) process.stdout.write(`${JSON.stringify({ rows: rowsOf(runner.measured) })}\n`);
		return runner.problems.length === 0 ? 0 : 1;
	} catch (error) {
		if (!stopped.signal.aborted) throw error;
		process.stderr.write("Stopped; nothing is left behind.\n");
		return 130;
	}
}

function report(options: Options, runner: Runner, notes: string[]): void {
	const tables = [
		ratios(runner.measured),
		numbers(runner.measured),
		...(options.only === null ? [aimTable(runner.measured)] : []),
	];
	for (const cells of tables) if (cells.length > 1) process.stdout.write(`${asText(cells)}\n\n`);
	for (const note of notes) process.stdout.write(`${note}\n`);
}

/** Measurements that have a command line of their own. */
const others: Record<string, (args: string[]) => Promise<number>> = {
	modules: benchModules,
	checkers: benchCheckers,
	farm: benchFarm,
};
// What is stopped may have left somebody waiting for a server that is gone.
process.exit(await (others[process.argv[2] ?? ""]?.(process.argv.slice(3)) ?? main()));
