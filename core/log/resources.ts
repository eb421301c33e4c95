/** Resources of one module with the date of their last assignment and their history: `resource.db` (spec/01 §1). */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { LogLevel } from "../engine/contract.ts";
import { nowUs } from "./clock.ts";
import { openDatabase } from "./database.ts";
import { Pruner } from "./pruner.ts";

export interface Resource {
	/** `class.id`. */
	name: string;
	value: string;
	/** Component that set it. */
	by: string;
	/** Wall clock of the last assignment, microseconds. */
	us: number;
}

const historyLimit = 20_000;
/** Resources that a module may have; a script that invents names in a loop stops here. */
const resourceLimit = 2000;
const schema =
	"CREATE TABLE IF NOT EXISTS resource(name TEXT PRIMARY KEY, value TEXT NOT NULL, by TEXT NOT NULL, us INTEGER NOT NULL) STRICT;" +
	"CREATE TABLE IF NOT EXISTS history(id INTEGER PRIMARY KEY, us INTEGER NOT NULL, name TEXT NOT NULL, " +
	"value TEXT NOT NULL, by TEXT NOT NULL) STRICT";

export class Resources {
	readonly #database: DatabaseSync;
	readonly #pruner: Pruner;
	readonly #put: StatementSync;
	readonly #add: StatementSync;
	readonly #drop: StatementSync;
	readonly #now = new Map<string, Resource>();

	constructor(file: string) {
		this.#database = openDatabase(file, schema);
		this.#pruner = new Pruner(this.#database, "history", historyLimit);
		this.#put = this.#database.prepare(
			"INSERT INTO resource(name, value, by, us) VALUES(?, ?, ?, ?) " +
				"ON CONFLICT(name) DO UPDATE SET value=excluded.value, by=excluded.by, us=excluded.us",
		);
		this.#drop = this.#database.prepare("DELETE FROM resource WHERE name = ?");
		this.#add = this.#database.prepare("INSERT INTO history(us, name, value, by) VALUES(?, ?, ?, ?)");
		const rows = this.#database.prepare("SELECT name, value, by, us FROM resource").all() as unknown as Resource[];
		for (const row of rows) this.#now.set(row.name, row);
	}

	get(name: string): Resource | undefined {
		return this.#now.get(name);
	}

	/** All resources, sorted by name. */
	all(): Resource[] {
		return [...this.#now.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
	}

	/** Name → value, as pulses carry them to the peer. */
	values(): Record<string, string> {
		return Object.fromEntries(this.all().map(({ name, value }) => [name, value]));
	}

	names(): Iterable<string> {
		return this.#now.keys();
	}

	/** True if one more name fits. */
	accepts(name: string): boolean {
		return this.#now.has(name) || this.#now.size < resourceLimit;
	}

	/**
	 * Sets a resource. An equal value changes nothing, not even the date (spec/09 §5), unless `history` is `force`; with
	 * `renew` it gets a new date too. Returns whether the value changed.
	 */
	set(name: string, value: string, by: string, history: "auto" | "none" | "force" | "renew" = "auto"): boolean {
		const before = this.#now.get(name);
		const changed = before?.value !== value;
		if (!changed && history !== "force" && history !== "renew") return false;
		const row = { name, value, by, us: nowUs() };
		const dated = changed || history === "renew";
		if (dated) this.#now.set(name, row);
		try {
			this.#write(row, dated, history !== "none");
		} catch {
			// What is decided with is in memory; a full disk costs the history.
		}
		return changed;
	}

	#write({ name, value, by, us }: Resource, dated: boolean, history: boolean): void {
		if (dated) this.#put.run(name, value, by, us);
		if (!history) return;
		this.#add.run(us, name, value, by);
		this.#pruner.added();
	}

	/** The resource is gone; its history stays. */
	forget(name: string): void {
		if (!this.#now.delete(name)) return;
		try {
			this.#drop.run(name);
		} catch {
			// A full disk: it is forgotten again after the next start.
		}
	}

	/** Assignments of a resource, oldest first. */
	history(name: string, count: number): Resource[] {
		const rows = this.#database
			.prepare("SELECT name, value, by, us FROM history WHERE name = ? ORDER BY id DESC LIMIT ?")
			.all(name, count);
		return (rows as unknown as Resource[]).reverse();
	}

	close(): void {
		this.#database.close();
	}
}

/** Classes that checkers, and scripts in their place, keep up to date. */
const checked = /^(tcp|ping|intf|ip|custom|module|proc|splitbrain)\./;

/** The documented line for a new value (spec/10 §4), with origin and level; null for resources that have none. */
export function resourceLine(
	name: string,
	value: string,
	by: string,
): [origin: string, level: LogLevel, text: string] | null {
	if (!checked.test(name)) return null;
	// A script's own name says who, but is no component.
	const origin = /^((tcp|ping|intf|ip|module|custom|splitbrain)check|errd)$/.test(by) ? by : "safekit";
	return [origin, value === "down" ? "C" : "I", `Resource ${name} set to ${value} by ${by}`];
}
