/**
 * `npm run simulate -- [--farm] --runs N --seed S [--without RULE] [--json]`: simulated clusters, each made from its own
 * seed. Progress on stderr, the report on stdout; exit 1 when an invariant was violated, 2 on wrong usage.
 */
import { parseArgs } from "node:util";
import { type RuleName as FarmRule, ruleNames as farmRules } from "./farm/rules.ts";
import { type Found, simulateFarms } from "./farm/run.ts";
import { type Report, type RuleName, ruleNames, simulate } from "./simulate.ts";

const usage = `Usage: npm run simulate -- [--runs N] [--seed S] [--without RULE] [--json]
       npm run simulate -- --farm [--nodes N] [--runs N] [--seed S] [--without RULE] [--json]

Simulates pairs of servers that replicate, or farms of 2 to 16 servers, through random faults; each run has a seed.

  --runs N         default: 2000 pairs, 100 farms
  --seed S         of the first run; default 1
  --without RULE   switches a rule off: its absence must be found.
                   Pairs: ${ruleNames.join(", ")}
                   Farms: ${farmRules.join(", ")}
  --nodes N        servers of each farm; default: a random number
  --json           the report as one line of JSON
`;

interface Options {
	farm: boolean;
	nodes: number | null;
	runs: number;
	seed: number;
	without: string | null;
	json: boolean;
	help: boolean;
}

class UsageError extends Error {}

const maxRuns = 10_000_000;

function readOptions(args: string[]): Options {
	const { values } = parseArgs({
		args,
		options: {
			farm: { type: "boolean", default: false },
			nodes: { type: "string" },
			runs: { type: "string" },
			seed: { type: "string", default: "1" },
			without: { type: "string" },
			json: { type: "boolean", default: false },
			help: { type: "boolean", short: "h", default: false },
		},
	});
	const { farm, json, help, without = null } = values;
	const rules: readonly string[] = farm ? farmRules : ruleNames;
	if (without !== null && !rules.includes(without)) {
		throw new UsageError(`--without ${without}: there is no such rule; use one of ${rules.join(", ")}`);
	}
	if (values.nodes !== undefined && !farm) throw new UsageError("--nodes is for farms: add --farm");
	return {
		farm,
		nodes: values.nodes === undefined ? null : wholeNumber("--nodes", values.nodes, 2, 16),
		runs: wholeNumber("--runs", values.runs ?? (farm ? "100" : "2000"), 1, maxRuns),
		seed: wholeNumber("--seed", values.seed, 0, 2 ** 31),
		without,
		json,
		help,
	};
}

function wholeNumber(name: string, text: string, low: number, high: number): number {
	const value = Number(text);
	if (Number.isInteger(value) && value >= low && value <= high && /^\d+$/.test(text)) return value;
	throw new UsageError(`${name} ${text}: expected a whole number from ${low} to ${high}`);
}

interface Outcome {
	/** It may end before all were run. */
	runs: number;
	violations: { seed: number; invariant: string; steps: string[] }[];
	/** Lines of the report beside the violations. */
	more: string[];
	json: Report | Found[];
}

function pairs(options: Options, progress: (done: number, found: number) => void): Outcome {
	const report = simulate({ ...options, without: options.without as RuleName | null, progress });
	return {
		runs: report.runs,
		violations: report.violations,
		more: [`Transitions seen: ${report.transitionsSeen.join(" ")}`],
		json: report,
	};
}

function farms(options: Options, progress: (done: number, found: number) => void): Outcome {
	const { runs, seed, nodes, without } = options;
	let done = 0;
	const found = simulateFarms({
		...{ runs, seed },
		progress: (now, violations) => {
			done = now;
			progress(now, violations);
		},
		...(without === null ? {} : { without: without as FarmRule }),
		...(nodes === null ? {} : { taste: { nodes } }),
	});
	const violations = found.map((each) => ({
		seed: each.seed,
		invariant: each.invariant,
		steps: [each.what, ...each.plan.faults.map((fault) => JSON.stringify(fault))],
	}));
	return { runs: done, violations, more: [], json: found };
}

/** What a person reads. */
function asText({ runs, violations, more }: Outcome, { farm, nodes, seed, without }: Options): string {
	const same = [farm ? " --farm" : "", nodes === null ? "" : ` --nodes ${nodes}`].join("");
	const off = without === null ? "" : ` --without ${without}`;
	const lines: string[] = [];
	for (const violation of violations) {
		lines.push(`Violation of invariant ${violation.invariant} with seed ${violation.seed}:`);
		lines.push(...violation.steps.map((step) => `  ${step}`));
		lines.push(`  Replay: npm run simulate --${same} --runs 1 --seed ${violation.seed}${off}`);
	}
	const found = violations.length === 0 ? "no violation" : `${violations.length} violation(s)`;
	return `${[...lines, `${runs} runs from seed ${seed}${same}${off}: ${found}.`, ...more].join("\n")}\n`;
}

function main(): number {
	let options: Options;
	try {
		options = readOptions(process.argv.slice(2));
	} catch (error) {
		process.stderr.write(`Error: ${(error as Error).message}\n\n${usage}`);
		return 2;
	}
	if (options.help) {
		process.stdout.write(usage);
		return 0;
	}
	let saidMs = Date.now();
	const outcome = (options.farm ? farms : pairs)(options, (done, found) => {
		if (Date.now() - saidMs < 2_000 && done !== options.runs) return;
		saidMs = Date.now();
		process.stderr.write(`${done} of ${options.runs} runs, ${found} violation(s)\n`);
	});
	process.stdout.write(options.json ? `${JSON.stringify(outcome.json)}\n` : asText(outcome, options));
	return outcome.violations.length === 0 ? 0 : 1;
}

process.exitCode = main();
