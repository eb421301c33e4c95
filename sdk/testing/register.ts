/** The tests of one file, in the order in which they are written, and what the one that runs has opened. */
import { SafekitError } from "../../core/errors.ts";
import type { Timeline } from "./simulation/timeline.ts";

export interface RegisteredTest {
	name: string;
	run: () => unknown;
	how: "run" | "skip" | "only";
}

/** What a test opens and the runner closes. */
export interface Opened {
	readonly timeline: Timeline;
	readonly reports: readonly string[];
	readonly nowMs: number;
	close(): Promise<void>;
}

export const registered: RegisteredTest[] = [];
/** Clusters of the test that runs. */
export const opened: Opened[] = [];

let folder: string | null = null;

/** The folder of the module whose tests are run. */
export function setModule(path: string): void {
	folder = path;
}

/** @throws SafekitError outside of `safekit module test`. */
export function currentModule(): string {
	if (folder !== null) return folder;
	throw new SafekitError(
		"USAGE",
		"No module is tested: run this file with `safekit module test`, or name the folder of a module.",
	);
}

export function closing(one: Opened): void {
	opened.push(one);
}

interface Test {
	(name: string, run: () => unknown): void;
	/** Is shown as skipped. */
	skip(name: string, run: () => unknown): void;
	/** Only this one of its file, and others like it, is run. */
	only(name: string, run: () => unknown): void;
}

function add(how: RegisteredTest["how"], name: string, run: () => unknown): void {
	if (typeof name !== "string" || typeof run !== "function")
		throw new TypeError('A test has a name and a function: test("it starts", async () => { … }).');
	if (registered.some((other) => other.name === name))
		throw new TypeError(`Two tests of this file are called '${name}'.`);
	registered.push({ name, run, how });
}

/**
 * Writes a test. It fails when its function throws or rejects; use `node:assert/strict` or any other library.
 *
 * @example
 * test("it starts on n1 and follows on n2", async () => {
 * 	const both = await cluster();
 * 	await both.start();
 * });
 */
export const test: Test = Object.assign((name: string, run: () => unknown) => add("run", name, run), {
	skip: (name: string, run: () => unknown) => add("skip", name, run),
	only: (name: string, run: () => unknown) => add("only", name, run),
});
