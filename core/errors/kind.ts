/** What every error has. */

/** Exit codes of every command. */
export const exitCode = { ok: 0, failed: 1, usage: 2, invalid: 3, unsafe: 4, timeout: 5 } as const;
export type ExitName = keyof typeof exitCode;

export interface ErrorKind {
	exit: ExitName;
	/** What to do next, in one sentence; `{name}` is replaced by the details. */
	remedy: string;
}
