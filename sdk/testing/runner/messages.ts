/** What a process that runs one test file tells the runner. */
import type { TestResult } from "./report.ts";

export type FromFile =
	| { is: "begins"; name: string }
	| { is: "ended"; result: Omit<TestResult, "file"> }
	/** The module cannot be tested: the error as `--json` and as a person reads it, and the exit code. */
	| { is: "refused"; json: object; text: string; exit: number }
	/** The file could not be loaded. */
	| { is: "broken"; error: string }
	| { is: "done" };

/** Arguments of that process, as JSON in its first word. */
export interface FileOrder {
	folder: string;
	file: string;
	/** Tests whose name contains this; null: all. */
	match: string | null;
	/** A folder for its files, which the runner removes. */
	scratch: string;
}
