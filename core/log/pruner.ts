/** Keeps a table of a log at its limit: the oldest rows go, a few hundred at a time. */
import type { DatabaseSync } from "node:sqlite";

/** Rows added between two looks at the size of the table. */
const interval = 256;

export class Pruner {
	#since = interval;
	readonly #remove: ReturnType<DatabaseSync["prepare"]>;
	readonly #limit: number;

	/** `table` has an `id INTEGER PRIMARY KEY` that grows. At most `limit` + 256 rows remain. */
	constructor(database: DatabaseSync, table: string, limit: number) {
		this.#limit = limit;
		this.#remove = database.prepare(`DELETE FROM ${table} WHERE id <= (SELECT max(id) FROM ${table}) - ?`);
	}

	/** Called after each row that was added. */
	added(): void {
		this.#since++;
		if (this.#since < interval) return;
		this.#since = 0;
		this.#remove.run(this.#limit);
	}
}
