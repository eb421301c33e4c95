/**
 * `npm run simulate -- --runs N --seed S [--without RULE] [--json]`: simulated clusters, each made from its own seed.
 * Progress on stderr, the report on stdout; exit 1 when an invariant was violated, 2 on wrong usage.
 */
import { parseArgs } from "node:util";
import { type Report, type RuleName, ruleNames, simulate } from "./simulate.ts";

interface Options {
	runs: number;
	seed: number;
	without: RuleName | null;
	json: boolean;
}

class UsageError extends Error {}

const maxRuns = 10_000_000;

function readOptions(args: string[]): Options {
	const { values } = parseArgs({
		args,
		options: {
			runs: { type: "string", default: "2000" },
			seed: { type: "string", default: "1" },
			without: { type: "string" },
			json: { type: "boolean", default: false },
		},
	});
	const without = values.without ?? null;
	if (without !== null && !ruleNames.includes(without as RuleName)) {
		throw new UsageError(`--without ${without}: there is no such rule; use one of ${ruleNames.join(", ")}`);
	}
	return {
		runs: wholeNumber("--runs", values.runs, 1, maxRuns),
		seed: wholeNumber("--seed", values.seed, 0, 2 ** 31),
		without: without as RuleName | null,
		json: values.json,
	};
}

function wholeNumber(name: string, text: string, low: number, high: number): number {
	const value = Number(text);
	if (Number.isInteger(value) && value >= low && value <= high && /^\d+$/.test(text)) return value;
	throw new UsageError(`${name} ${text}: expected a whole number from ${low} to ${high}`);
}

/** What a person reads. */
function asText(report: Report, options: Options): string {
	const without = options.without === null ? "" : ` --without ${options.without}`;
	const lines: string[] = [];
	for (const { seed, invariant, steps } of report.violations) {
		lines.push(`Violation of invariant ${invariant} with seed ${seed}:`, ...steps.map((step) => `  ${step}`));
		lines.push(`  Replay: npm run simulate -- --runs 1 --seed ${seed}${without}`);
	}
	const found = report.violations.length === 0 ? "no violation" : `${report.violations.length} violation(s)`;
	lines.push(`${report.runs} runs from seed ${report.seed}${without}: ${found}.`);
	lines.push(`Transitions seen: ${report.transitionsSeen.join(" ")}`);
	return `${lines.join("\n")}\n`;
}

function main(): number {
	let options: Options;
	try {
		options = readOptions(process.argv.slice(2));
	} catch (error) {
		process.stderr.write(`Error: ${(error as Error).message}\n`);
		process.stderr.write("Usage: npm run simulate -- [--runs N] [--seed S] [--without RULE] [--json]\n");
		return 2;
	}
	let saidMs = Date.now();
	const report = simulate({
		...options,
		progress(done, found) {
			if (Date.now() - saidMs < 2_000 && done !== options.runs) return;
			saidMs = Date.now();
			process.stderr.write(`${done} of ${options.runs} runs, ${found} violation(s)\n`);
		},
	});
	process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : asText(report, options));
	return report.violations.length === 0 ? 0 : 1;
}

process.exitCode = main();
