/** Many runs, and the shortest list of faults for those that fail. */
import type { Fault } from "./faults.ts";
import { allRules, type SimulatedRules } from "./rules.ts";
import { runSeed } from "./run.ts";

export type RuleName = keyof SimulatedRules;
export const ruleNames = Object.keys(allRules) as RuleName[];

export interface Found {
	seed: number;
	invariant: string;
	/** The faults that are needed, then what went wrong. */
	steps: string[];
}

export interface Report {
	runs: number;
	seed: number;
	violations: Found[];
	transitionsSeen: string[];
}

/** Where a search ends: enough is known, and each shrinking costs runs. */
const enoughViolations = 5;

export function simulate(options: {
	runs: number;
	seed: number;
	without: RuleName | null;
	/** Stop at the first violation. */
	first?: boolean;
	progress?: (done: number, found: number) => void;
}): Report {
	const rules: SimulatedRules = { ...allRules, ...(options.without === null ? {} : { [options.without]: false }) };
	const violations: Found[] = [];
	const seen = new Set<string>();
	let runs = 0;
	while (runs < options.runs && violations.length < (options.first === true ? 1 : enoughViolations)) {
		const seed = options.seed + runs++;
		const result = runSeed(seed, rules);
		for (const name of result.seen) seen.add(name);
		const first = result.violations[0];
		if (first !== undefined) violations.push(shrink(seed, rules, result.faults, first.invariant));
		options.progress?.(runs, violations.length);
	}
	const transitionsSeen = [...seen].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
	return { runs, seed: options.seed, violations, transitionsSeen };
}

/** Leaves faults out, one at a time, while the same invariant still fails. */
export function shrink(seed: number, rules: SimulatedRules, faults: Fault[], invariant: string): Found {
	let needed = faults;
	for (let i = 0; i < needed.length; ) {
		const fewer = needed.filter((_, index) => index !== i);
		if (runSeed(seed, rules, { faults: fewer }).violations[0]?.invariant === invariant) needed = fewer;
		else i++;
	}
	const result = runSeed(seed, rules, { faults: needed });
	const { guard, lans, async, replicated } = result.shape;
	const shape = `${lans} network(s), async=${async}, guard ${guard}${replicated ? "" : ", no replication"}`;
	const last = result.violations[0];
	return {
		seed,
		invariant,
		steps: [
			shape,
			...needed.map(({ atMs, forMs, node, do: what, ...more }) => {
				const details = Object.entries(more).map(([name, value]) => ` ${name}=${value}`);
				return `at ${atMs} ms for ${forMs} ms: ${what} node${node + 1}${details.join("")}`;
			}),
			`at ${Math.round(last?.atMs ?? 0)} ms: ${last?.text}`,
		],
	};
}
