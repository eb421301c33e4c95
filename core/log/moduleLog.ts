/** The log of one module (spec/10 §1): `$SAFEVAR/modules/AM/log.db`, bounded, survives `kill -9`, can be followed. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { LogLevel } from "../engine/contract.ts";
import { formatUs, nowUs } from "./clock.ts";
import { openDatabase } from "./database.ts";
import { Pruner } from "./pruner.ts";

export interface LogLine {
	/** Wall clock, microseconds. */
	us: number;
	/** Component that speaks: heart, rfsplug, userplug, … */
	origin: string;
	level: LogLevel;
	text: string;
}

/** Rows that a module's log keeps. */
const rowLimit = 50_000;
/** Characters of one message; the rest is cut. */
const textLimit = 4096;
const schema =
	"CREATE TABLE IF NOT EXISTS log(id INTEGER PRIMARY KEY, us INTEGER NOT NULL, origin TEXT NOT NULL, " +
	"level TEXT NOT NULL, text TEXT NOT NULL) STRICT";

/** The levels that everyone sees; the others appear with `-A` (spec/10 §1). */
export function isNormal(level: LogLevel): boolean {
	return level === "C" || level === "E" || level === "U" || level === "S";
}

/** `| 2021-08-06 08:40:20.909224 | origin | L | text`, without the line end. */
export function formatLine(line: LogLine): string {
	return `| ${formatUs(line.us)} | ${line.origin} | ${line.level} | ${line.text}`;
}

export class ModuleLog {
	readonly #database: DatabaseSync;
	readonly #insert: StatementSync;
	readonly #pruner: Pruner;
	readonly #followers = new Set<(line: LogLine) => void>();

	constructor(file: string) {
		this.#database = openDatabase(file, schema);
		this.#insert = this.#database.prepare("INSERT INTO log(us, origin, level, text) VALUES(?, ?, ?, ?)");
		this.#pruner = new Pruner(this.#database, "log", rowLimit);
	}

	/** Adds a line and tells the followers. Line ends become blanks: a message is one line for whoever parses it. */
	append(origin: string, level: LogLevel, text: string): LogLine {
		const line = { us: nowUs(), origin, level, text: text.replace(/[\r\n]+/g, " ").slice(0, textLimit) };
		try {
			this.#insert.run(line.us, line.origin, line.level, line.text);
			this.#pruner.added();
		} catch {
			// A full disk costs the line, not what the line is about. The followers still get it.
		}
		for (const follower of this.#followers) follower(line);
		return line;
	}

	/** The last `count` lines, oldest first; only normal levels unless `verbose`. */
	last(count: number, verbose: boolean): LogLine[] {
		const where = verbose ? "" : "WHERE level IN ('C','E','U','S')";
		const rows = this.#database.prepare(`SELECT us, origin, level, text FROM log ${where} ORDER BY id DESC LIMIT ?`);
		return (rows.all(count) as unknown as LogLine[]).reverse();
	}

	/** Calls back for each line from now on. Returns the way to stop. */
	follow(follower: (line: LogLine) => void): () => void {
		this.#followers.add(follower);
		return () => this.#followers.delete(follower);
	}

	close(): void {
		this.#followers.clear();
		this.#database.close();
	}
}
