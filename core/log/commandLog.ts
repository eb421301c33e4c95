/** The log of all commands given on this server (spec/10 §1, `safekit cmdlog`): `$SAFEVAR/log.db`. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { formatUs, nowUs } from "./clock.ts";
import { openDatabase } from "./database.ts";
import { Pruner } from "./pruner.ts";

export interface CommandLine {
	us: number;
	/** `command`, or `cluster` for changes of the cluster. */
	type: string;
	module: string;
	pid: number;
	/** START, END, or I for rows of type cluster. */
	what: string;
	/** Arguments, return code, or what changed. */
	text: string;
}

const rowLimit = 20_000;
const textLimit = 2048;
const schema =
	"CREATE TABLE IF NOT EXISTS commands(id INTEGER PRIMARY KEY, us INTEGER NOT NULL, type TEXT NOT NULL, " +
	"module TEXT NOT NULL, pid INTEGER NOT NULL, what TEXT NOT NULL, text TEXT NOT NULL) STRICT";

/** `| <date> | <type> | <AM> | <pid> | START | <args>`; an END line leaves type and module blank. */
export function formatCommand(line: CommandLine): string {
	return `| ${formatUs(line.us)} | ${line.type} | ${line.module} | ${line.pid} | ${line.what} | ${line.text}`;
}

export class CommandLog {
	readonly #database: DatabaseSync;
	readonly #insert: StatementSync;
	readonly #pruner: Pruner;

	constructor(file: string) {
		this.#database = openDatabase(file, schema);
		this.#insert = this.#database.prepare(
			"INSERT INTO commands(us, type, module, pid, what, text) VALUES(?, ?, ?, ?, ?, ?)",
		);
		this.#pruner = new Pruner(this.#database, "commands", rowLimit);
	}

	start(module: string, pid: number, args: string): void {
		this.#add("command", module, pid, "START", args);
	}

	end(pid: number, code: number): void {
		this.#add("", "", pid, "END", String(code));
	}

	/** A change that no person ordered: the state of the cluster, of a module on another node. */
	cluster(text: string): void {
		this.#add("cluster", "", 0, "I", text);
	}

	last(count: number): CommandLine[] {
		const rows = this.#database.prepare(
			"SELECT us, type, module, pid, what, text FROM commands ORDER BY id DESC LIMIT ?",
		);
		return (rows.all(count) as unknown as CommandLine[]).reverse();
	}

	close(): void {
		this.#database.close();
	}

	#add(type: string, module: string, pid: number, what: string, text: string): void {
		try {
			this.#insert.run(nowUs(), type, module, pid, what, text.replace(/[\r\n]+/g, " ").slice(0, textLimit));
			this.#pruner.added();
		} catch {
			// A command is carried out even if the full disk does not take its line.
		}
	}
}
