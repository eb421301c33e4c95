/** One command on its way: who gave it, with what words, and where its answer goes. */

import type { Ask } from "./ask.ts";

export interface Call {
	argv: string[];
	/** SAFEMODULE of the caller: the module when -m is not given, and a sign that a script of it calls. */
	module: string | undefined;
	/** As the log prints it: `root`, or a name or number. */
	who: string;
	cwd: string;
	/** Pid of the launcher. */
	pid: number;
	/** stdout is a terminal. */
	tty: boolean;
	/** Asks the person at the terminal; absent where there is none, and in the daemon. */
	ask?: Ask;
	out(text: string): void;
	err(text: string): void;
	/** Aborted when the caller went away. */
	signal: AbortSignal;
	/** The command came from another server. */
	remote?: RemoteCaller;
}

export interface RemoteCaller {
	address: string;
	/** Null: it has proven that it holds the cluster's key. Otherwise the check code of the connection. */
	invitation: string | null;
	/** What came along. */
	body: Buffer;
}

/** Prints an object as `--json` does: one line on stdout. */
export function printJson(call: Call, value: unknown): void {
	call.out(`${JSON.stringify(value)}\n`);
}

/** Columns padded to the widest cell; the last is left as it is. */
export function table(rows: readonly (readonly string[])[]): string {
	const widths: number[] = [];
	for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
	const line = (row: readonly string[]) =>
		row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  ");
	return rows.map((row) => `${line(row)}\n`).join("");
}

/** Resolves when the caller has gone away. */
export function gone(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
}
