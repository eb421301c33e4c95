import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { allRules } from "./rules.ts";
import { runSeed } from "./run.ts";
import { ruleNames, simulate } from "./simulate.ts";

const main = join(import.meta.dirname, "main.ts");

/** maxloop is out of reach in a run: golden files only. */
const byRulesOnly = ["M25"];
const expected = Array.from({ length: 27 }, (_, i) => `M${i + 1}`).filter((name) => !byRulesOnly.includes(name));

test("with all rules no run violates an invariant, and the runs go through the mirror's transitions", (t) => {
	t.timeout(120_000);
	const report = simulate({ runs: 1500, seed: 1, without: null });
	t.deepEqual(report.violations, []);
	t.deepEqual(
		expected.filter((name) => !report.transitionsSeen.includes(name)),
		[],
		"transitions that no run went through",
	);
});

/** Runs that once failed, and why. */
const regressions: [number, string][] = [
	[706088, "what was left of the lease was too short to move the clock"],
	[706231, "what was left of the lease was too short to move the clock"],
	[716152, "what was left of the wait for the holder was too short to move the clock"],
	[706608, "two persons declared two trees valid, and then one of them gave his up"],
	[921340, "a sync from before a thaw was taken for one after it"],
	[1018642, "a person's order made one copy count that was not on its disk yet"],
	[1019242, "a person's order made one copy count that was not on its disk yet"],
	[1103484, "closing acknowledged what was still waiting for the secondary"],
	[1237441, "a process that was closing went on acknowledging changes"],
	[923559, "two orders due at the same moment were carried out in the wrong order"],
	[711158, "a record taken before the session, and never used, was renewed for the secondary"],
];
for (const [seed, why] of regressions) {
	test(`seed ${seed}: ${why}`, (t) => t.deepEqual(runSeed(seed, allRules, { plain: true }).violations, []));
}

/** Runs in which a disk was put back in time, or changed by hand, that once failed, and why. */
const diskRegressions: [number, string][] = [
	[21, "what an interrupted copy of everything had to compare was marked after the target was half copied"],
	[97, "the secondary waited for a word of the session that the other one no longer knew of"],
	[127, "the words of a disk put back in time were taken for old ones, and no session was offered"],
	[243, "a person's word for an older disk counted less than its age"],
	[409, "the whole copy was older than the half one, and its marks were taken for all that may differ"],
	[427, "what was written on a disk put back in time was not kept"],
];
for (const [seed, why] of diskRegressions) {
	test(`seed ${seed}: ${why}`, (t) => t.deepEqual(runSeed(seed, allRules).violations, []));
}

test("marks that come too late, or go too early, end in a difference that no resync finds", (t) => {
	for (const [seed, rule] of [
		[2, "marks"],
		[78, "mark-order"],
		[47, "checkpoint"],
		[60, "walk"],
	] as const) {
		// Found by what becomes of it, not by looking at the disks all the time.
		const { violations } = runSeed(seed, { ...allRules, [rule]: false }, { instant: false });
		t.regex(violations[0]?.invariant ?? "none", /^[56]$/, `without ${rule}`);
		t.deepEqual(runSeed(seed, allRules).violations, []);
	}
});

for (const rule of ruleNames) {
	test(`without the rule ${rule} a violation is found, and its seed replays it`, (t) => {
		t.timeout(120_000);
		const report = simulate({ runs: 2000, seed: 1, without: rule, first: true });
		const [found] = report.violations;
		if (found === undefined) return t.fail(`no violation in ${report.runs} runs`);
		const replayed = runSeed(found.seed, { ...allRules, [rule]: false });
		t.is(replayed.violations[0]?.invariant, found.invariant);
		t.deepEqual(runSeed(found.seed, allRules).violations, [], "with the rule the same run is clean");
	});
}

test("a run is the same each time", (t) => {
	const traces = [1, 2].map(() => {
		const lines: string[] = [];
		runSeed(77, allRules, { trace: (line) => lines.push(line) });
		return lines.join("\n");
	});
	t.true((traces[0] as string).length > 1000);
	t.is(traces[0], traces[1]);
});

test("the command reports as documented: JSON on stdout, exit 1 with violations, 2 on wrong usage", async (t) => {
	t.timeout(120_000);
	const run = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
		try {
			const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args]);
			return { code: 0, stdout, stderr };
		} catch (error) {
			return error as { code: number; stdout: string; stderr: string };
		}
	};
	const clean = await run("--runs", "5", "--seed", "3", "--json");
	t.is(clean.code, 0);
	const report = JSON.parse(clean.stdout);
	t.deepEqual(Object.keys(report), ["runs", "seed", "violations", "transitionsSeen"]);
	t.is(report.runs, 5);
	const found = await run("--runs", "300", "--seed", "1", "--without", "witness");
	t.is(found.code, 1);
	const replay = /Replay: npm run simulate -- (.*)/.exec(found.stdout)?.[1]?.split(" ") ?? [];
	t.is((await run(...replay)).code, 1, "the printed line replays it");
	const farm = await run("--farm", "--runs", "1", "--seed", "11", "--without", "release");
	t.is(farm.code, 1);
	t.regex(
		farm.stdout,
		/two owners with seed 11:[\s\S]*Replay: npm run simulate -- --farm --runs 1 --seed 11 --without release/,
	);
	t.regex((await run("--nodes", "3")).stderr, /add --farm/);
	const wrong = await run("--without", "luck");
	t.is(wrong.code, 2);
	t.regex(wrong.stderr, /one of witness, freeze, sync, epoch, marks, uptodate, mark-order, checkpoint, walk/);
	t.is((await run("--runs", "many")).code, 2);
});
