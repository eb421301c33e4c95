/**
 * Reads the scripts and checkers of a module for mistakes, and runs none of them. What needs programs or compilers is
 * left to `module check`; on a server, `confcheck` looks for the rest.
 */
import type { Problem } from "../../../errors.ts";
import { cmdFindings } from "./cmd/rules.ts";
import { powershellFindings } from "./powershell/syntax.ts";
import { serviceFindings } from "./services.ts";
import { shellFindings } from "./shell.ts";
import { shellcheckFindings } from "./shellcheck.ts";
import { asProblem, type Finding, type Source } from "./source.ts";
import { typeFindings } from "./types.ts";

export interface Lint {
	problems: Problem[];
	/** What could not be looked at, and why. */
	notes: string[];
}

/** More of one file helps nobody. */
const maxPerFile = 20;
/** Files that programs are asked about. */
const maxAsked = 200;

/** `thorough`: with ShellCheck, PowerShell's grammar and the TypeScript compiler. */
export async function lintScripts(sources: readonly Source[], thorough: boolean): Promise<Lint> {
	const notes = new Set<string>();
	const found = new Map<Source, Finding[]>(sources.map((source) => [source, []]));
	const add = (source: Source, findings: readonly Finding[] = []): void => void found.get(source)?.push(...findings);
	const of = (language: Source["language"]): Source[] => sources.filter((each) => each.language === language);

	for (const source of of("cmd")) add(source, cmdFindings(source, sources));
	for (const [source, findings] of serviceFindings(sources)) add(source, findings);
	const shells = of("shell");
	if (shells.length > maxAsked) notes.add(`Only ${maxAsked} of ${shells.length} shell scripts were looked at.`);
	for (const source of shells.slice(0, maxAsked)) add(source, await shellAdvice(source, thorough, notes));
	if (thorough) {
		for (const source of of("powershell")) add(source, await powershellFindings(source));
		const checkers = of("typescript");
		const types = checkers.length === 0 ? new Map<Source, Finding[]>() : await typeFindings(checkers);
		if (types === null) notes.add("The TypeScript compiler gave no answer: types were not looked at.");
		for (const [source, findings] of types ?? []) add(source, findings);
	}
	return { problems: sources.flatMap((source) => told(source, found.get(source) ?? [], notes)), notes: [...notes] };
}

/** ShellCheck has nothing to add to a script that no shell can read. */
async function shellAdvice(source: Source, thorough: boolean, notes: Set<string>): Promise<Finding[]> {
	const { findings, missing } = await shellFindings(source);
	if (missing) notes.add(`${source.interpreter} is not installed here: its scripts were not read.`);
	if (!thorough || findings.length > 0) return findings;
	const more = await shellcheckFindings(source);
	if (more === null) notes.add("ShellCheck is not installed here (Debian: apt-get install shellcheck): it finds more.");
	return more ?? [];
}

function told(source: Source, findings: Finding[], notes: Set<string>): Problem[] {
	const inOrder = findings.sort((a, b) => a.line - b.line || a.column - b.column);
	const left = inOrder.length - maxPerFile;
	if (left > 0) notes.add(`${source.path} has ${left} more findings like these.`);
	return inOrder.slice(0, maxPerFile).map((finding) => asProblem(finding, source));
}
