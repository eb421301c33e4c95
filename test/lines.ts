import { existsSync, readFileSync } from "node:fs";

/** What programs have written to a file so far: its whole lines. A file is there before its first line is. */
export function wholeLines(file: string): string[] {
	return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
}
