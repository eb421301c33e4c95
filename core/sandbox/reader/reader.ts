/** Has the files of checkers read in a process of its own: main.ts. */
import { execFile } from "node:child_process";
import type { ErrorCode } from "../../errors.ts";
import { SafekitError } from "../../errors.ts";
import type { Program } from "../program.ts";
import type { CheckerSources } from "../sources.ts";

export interface Question {
	/** Folder of the package's programs; null: only the program of the sandbox is asked for. */
	bin: string | null;
	execs: string[];
}

export interface Answer {
	program: Program | null;
	/** By exec: the files, or what is wrong with them. */
	checkers: Record<string, CheckerSources | { code: ErrorCode; message: string }>;
}

const withinMs = 60_000;
const answerBytes = 256 * 1024 * 1024;

function ask(question: Question): Promise<Answer> {
	const main = new URL("./main.ts", import.meta.url).pathname;
	return new Promise((resolve, reject) => {
		const options = { timeout: withinMs, killSignal: "SIGKILL" as const, maxBuffer: answerBytes };
		const child = execFile(process.execPath, ["--no-warnings", main], options, (error, stdout) => {
			if (error === null) resolve(JSON.parse(stdout));
			else reject(error);
		});
		child.stdin?.on("error", () => undefined);
		child.stdin?.end(JSON.stringify(question));
	});
}

let program: Promise<Program> | undefined;

/** The program of the sandbox process. Read once; tried again after it failed. */
export function askProgram(): Promise<Program> {
	program ??= ask({ bin: null, execs: [] }).then((answer) => answer.program as Program);
	program.catch(() => {
		program = undefined;
	});
	return program;
}

/** The checkers of a package, all at once. */
export class CheckerFiles {
	readonly #question: Question;
	#answer: Promise<Answer> | null = null;

	/** Begins to read at once. */
	constructor(bin: string, execs: string[]) {
		this.#question = { bin, execs };
		this.#read().catch(() => undefined);
	}

	/** @throws SafekitError as `readChecker`; any other error: they could not be read this time. */
	async of(exec: string): Promise<CheckerSources> {
		const found = (await this.#read()).checkers[exec];
		if (found === undefined) throw new SafekitError("CHECKER_FILE", `${exec} was not read.`);
		if ("code" in found) throw new SafekitError(found.code, found.message);
		return found;
	}

	#read(): Promise<Answer> {
		this.#answer ??= ask(this.#question).catch((error: unknown) => {
			this.#answer = null;
			throw error;
		});
		return this.#answer;
	}
}
