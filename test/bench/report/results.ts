/** RESULTS.md: the last run of everything, and what a person wrote about it. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Measured } from "../measure.ts";
import { aimTable } from "./aims.ts";
import { chaptersIn } from "./chapters.ts";
import { asMarkdown, numbers, ratios } from "./table.ts";

const begin = "<!-- written by hand: kept by the next run -->";
const end = "<!-- end of what is written by hand -->";

export interface RunFacts {
	machine: string;
	date: string;
	commit: string;
	minutes: number;
	load: number;
	/** Sentences about what could not be measured, and limits that were measured beside. */
	notes: readonly string[];
}

/** Writes the file anew; what is written by hand, and other benchmarks' chapters, stay as they are. */
export function writeResults(file: string, measured: readonly Measured[], facts: RunFacts): void {
	const before = existsSync(file) ? readFileSync(file, "utf8") : "";
	const fresh = `${file}.new`;
	const others = chaptersIn(before);
	writeFileSync(fresh, resultsText(measured, facts, handWritten(before)) + (others === "" ? "" : `\n${others}\n`));
	renameSync(fresh, file);
}

/** What stands between the marks; the empty section where there is none. */
export function handWritten(text: string): string {
	const [from, to] = [text.indexOf(begin), text.indexOf(end)];
	return from < 0 || to < from ? "\n## What dominated\n\n" : text.slice(from + begin.length, to);
}

export function resultsText(measured: readonly Measured[], facts: RunFacts, byHand: string): string {
	const notes = facts.notes.map((note) => `- ${note}`).join("\n");
	return `# What \`npm run bench\` measured

Made by a run of everything. All subjects were measured in turn, in every round, on one disk and one machine: ratios
mean something, single numbers say more about the machine. The two replicas share that disk and its processor.

- Machine: ${facts.machine}
- Commit: ${facts.commit}
- Run: ${facts.date}, ${facts.minutes} minutes, load before it ${facts.load.toFixed(2)}
${notes}

${begin}${byHand}${end}

## Aims

${asMarkdown(aimTable(measured))}

## Against the disk itself

Median of the ratios of each round, with the smallest and the largest. Bandwidths of writes hold the sync at the end.

${asMarkdown(ratios(measured))}

## Numbers

${asMarkdown(numbers(measured))}
`;
}
