/**
 * `npm run check`, `npm test` and `npm run test:long`. Installs the Debian packages that the tests need (as root on
 * Debian), then runs the stages in the order of design §11. A stage that fails does not stop the later ones; the
 * last line counts them all.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ensureDebianPackages } from "../sdk/lab/prerequisites.ts";
import { testPackages } from "./packages.ts";

const root = join(import.meta.dirname, "..");
const node = process.execPath;

interface Stage {
	name: string;
	command: string[];
	/** ava prints TAP; other commands count as one test. */
	tap: boolean;
}

interface Count {
	passed: number;
	failed: number;
	skipped: number;
}

const checks: Stage[] = [
	{ name: "types", command: [node, "node_modules/typescript/bin/tsc", "--noEmit", "-p", "."], tap: false },
	{
		name: "lint",
		command: [node, "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"],
		tap: false,
	},
	ava("tidy", ["test/tidy.test.ts", "test/errors.test.ts"]),
];

/** Folders with stages of their own. */
const later = ["decisions", "simulation", "replication", "posix", "lab", "demo"];

const stages: Stage[] = [
	...checks,
	// A third of their time is waiting.
	ava("unit", ["test/**/*.test.ts", "!test/{tidy,errors}.test.ts", ...later.map((folder) => `!test/${folder}/**`)], 3),
	ava("decisions", ["test/decisions/**/*.test.ts"]),
	ava("simulation", ["test/simulation/**/*.test.ts"]),
	ava("replication", ["test/{replication,posix}/**/*.test.ts"]),
	ava("lab", ["test/{lab,demo}/**/*.test.ts"], 1),
];

const long: Stage[] = [ava("long", ["test/**/*.long.ts"], 1)];

function ava(name: string, files: string[], concurrency = 2): Stage {
	const entry = "node_modules/ava/entrypoints/cli.js";
	return { name, command: [node, entry, "--tap", "--concurrency", String(concurrency), ...files], tap: true };
}

/** Runs a stage and prints it as it goes: passed tests as a line each, failed ones with all they said. */
async function run(stage: Stage): Promise<Count> {
	process.stdout.write(`\n== ${stage.name}\n`);
	const from = performance.now();
	const count = { passed: 0, failed: 0, skipped: 0 };
	const [command, ...args] = stage.command as [string, ...string[]];
	const child = spawn(command, args, {
		cwd: root,
		stdio: ["ignore", "pipe", "inherit"],
		env: { ...process.env, FORCE_COLOR: "0" },
	});
	const ended = once(child, "close");
	for await (const line of createInterface({ input: child.stdout })) take(stage, line, count);
	const [code] = await ended;
	if (!stage.tap) count[code === 0 ? "passed" : "failed"]++;
	else if (code !== 0 && count.failed === 0) count.failed++;
	else if (count.passed + count.failed + count.skipped === 0) count.failed++;
	const seconds = ((performance.now() - from) / 1000).toFixed(1);
	process.stdout.write(`== ${stage.name}: ${summary(count)} in ${seconds} s\n`);
	return count;
}

function take(stage: Stage, line: string, count: Count): void {
	if (stage.tap) {
		if (/^ok\b.*# (skip|todo)/i.test(line)) count.skipped++;
		else if (/^ok\b/.test(line)) count.passed++;
		else if (/^not ok\b/.test(line)) count.failed++;
		else if (/^(TAP version|1\.\.|# (tests|pass|fail|skip)|$)/.test(line)) return;
	}
	process.stdout.write(`${line}\n`);
}

function summary(count: Count): string {
	return `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
}

const what = process.argv[2] ?? "test";
const chosen = { check: checks, test: stages, long }[what];
if (chosen === undefined) throw new Error(`no such kind of test: ${what}`);
if (what !== "check") await ensureDebianPackages(testPackages, (line) => process.stdout.write(`${line}\n`));
const total: Count = { passed: 0, failed: 0, skipped: 0 };
const only = process.argv.slice(3);
for (const stage of chosen.filter((each) => only.length === 0 || only.includes(each.name))) {
	const count = await run(stage);
	for (const key of ["passed", "failed", "skipped"] as const) total[key] += count[key];
}
process.stdout.write(`\n${summary(total)}\n`);
process.exit(total.failed === 0 ? 0 : 1);
