/**
 * Every error of the product: its code, the exit code of a command that ends with it (design §9), and what the
 * person should do. A code is used only through `fail` or `problem`, and test/errors.test.ts proves that each
 * code here is used somewhere and each used code is here.
 */

/** Exit codes of every command. */
export const exitCode = { ok: 0, failed: 1, usage: 2, invalid: 3, unsafe: 4, timeout: 5 } as const;
export type ExitName = keyof typeof exitCode;

interface ErrorKind {
	exit: ExitName;
	/** What to do next, in one sentence; `{name}` is replaced by the details. */
	remedy: string;
}

/** The registry. Codes are grouped by prefix; keep a group together. */
export const errors = {
	USAGE: { exit: "usage", remedy: "Run `safekit --help` to see the commands and their arguments." },
	INTERNAL: { exit: "failed", remedy: "This is a defect of the product: keep the log and report it." },
	NOT_ROOT: { exit: "failed", remedy: "Run the command as root." },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errors;

/** Where a problem stands in something that a person wrote. Lines and columns count from 1. */
export interface Place {
	file?: string;
	line?: number;
	column?: number;
	element?: string;
	attribute?: string;
	found?: string;
	expected?: string;
}

/** The one public error class. It carries data; `cause` is kept. */
export class SafekitError extends Error {
	readonly code: ErrorCode;
	readonly place: Place | undefined;
	readonly remedy: string;

	constructor(code: ErrorCode, message: string, options: { place?: Place; remedy?: string; cause?: unknown } = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = "SafekitError";
		this.code = code;
		this.place = options.place;
		this.remedy = options.remedy ?? errors[code].remedy;
	}

	/** The exit code of a command that ends with this error. */
	get exit(): number {
		return exitCode[errors[this.code].exit];
	}
}

/** The shape of an error with `--json` (interfaces.md). */
export function errorAsJson(error: unknown): { error: { code: string; message: string; remedy: string; at?: Place } } {
	const known = asSafekitError(error);
	return {
		error: {
			code: known.code,
			message: known.message,
			remedy: known.remedy,
			...(known.place === undefined ? {} : { at: known.place }),
		},
	};
}

/** What a person reads on stderr: the place, the message, then the remedy on a line of its own. */
export function errorAsText(error: unknown): string {
	const known = asSafekitError(error);
	return `Error: ${placeAsText(known.place)}${known.message}\n${known.remedy}\n`;
}

/** `file:line:column: ` as editors and compilers print it; empty when nothing is known. */
export function placeAsText(place: Place | undefined): string {
	if (place?.file === undefined) return "";
	const numbers = [place.line, place.column].filter((n) => n !== undefined);
	return `${[place.file, ...numbers].join(":")}: `;
}

/** Anything thrown, as an error of the registry: what is unknown is INTERNAL and keeps its cause. */
export function asSafekitError(error: unknown): SafekitError {
	if (error instanceof SafekitError) return error;
	const message = error instanceof Error ? error.message : String(error);
	return new SafekitError("INTERNAL", message, { cause: error });
}
