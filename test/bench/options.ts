/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import { type SubjectName, subjectNames } from "./measure.ts";

export interface Options {
	quick: boolean;
	json: boolean;
	help: boolean;
	/** Rows wanted; null: all. */
	only: string[] | null;
	subjects: SubjectName[];
	/** Nothing is begun later; a second round only if it would end in time. What runs then, and the clean-up, come on top. */
	budgetMs: number;
	/** Writes RESULTS.md: not when only a part was measured. */
	write: boolean;
}

export class UsageError extends Error {}

const minutes = { quick: 4.25, full: 60, most: 24 * 60 };

export const usage = `Usage: npm run bench [-- [--quick] [--json] [--only ROW,ROW…] [--subjects NAME,NAME…] [--minutes N]]

Measures this machine's disk, our mount and our replication over it, and GlusterFS, in turn, several times each. Needs
root. Ratios and spread go to standard output, progress to standard error; a run of everything writes
test/bench/RESULTS.md. It takes up to ${minutes.full} minutes and 20 GB of disk, with --quick under 5 minutes.

  --quick      shorter, smaller, fewer repetitions; RESULTS.md stays as it is
  --json       ends with one line of JSON
  --only       measures only these rows
  --subjects   measures only these: ${subjectNames.join(", ")}
  --minutes    begins nothing later: fewer repetitions, and what no time is left for is named

npm run bench -- modules: how many modules two servers carry (--help says more).
npm run bench -- checkers: what many TypeScript checkers cost, and hostile ones do to heartbeats (--help says more).
npm run bench -- farm: lost servers, planned stops and requests a second, against keepalived and haproxy (--help says more).
`;

/** @throws UsageError saying what is wrong. */
export function readOptions(args: string[], rows: readonly string[]): Options {
	const values = parse(args);
	const only = list("--only", values.only, rows);
	const subjects = list("--subjects", values.subjects, subjectNames);
	const wanted = Number(values.minutes ?? minutes[values.quick ? "quick" : "full"]);
	if (!(wanted > 0 && wanted <= minutes.most))
		throw new UsageError(`--minutes ${values.minutes}: a number up to ${minutes.most} is expected`);
	return {
		quick: values.quick === true,
		json: values.json === true,
		help: values.help === true,
		only,
		subjects: subjectNames.filter((name) => subjects === null || subjects.includes(name)),
		budgetMs: wanted * 60_000,
		write: values.quick !== true && only === null && subjects === null,
	};
}

function parse(args: string[]) {
	try {
		return parseArgs({
			args,
			options: {
				quick: { type: "boolean" },
				json: { type: "boolean" },
				help: { type: "boolean", short: "h" },
				only: { type: "string" },
				subjects: { type: "string" },
				minutes: { type: "string" },
			},
		}).values;
	} catch (error) {
		throw new UsageError((error as Error).message);
	}
}

function list(option: string, text: string | undefined, known: readonly string[]): string[] | null {
	if (text === undefined) return null;
	const names = text.split(",").map((name) => name.trim());
	const wrong = names.find((name) => !known.includes(name));
	if (wrong !== undefined)
		throw new UsageError(`${option} ${wrong}: there is no such name; use some of ${known.join(", ")}`);
	return names;
}
