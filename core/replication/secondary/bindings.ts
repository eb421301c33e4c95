/**
 * The target's memory of which of its own files the source means, for one session (replication.md §5.2). Bounded by
 * the source, which takes back what it has not used for long.
 */
import type { Bindings } from "../local/bindings.ts";
import type { FileRef } from "../operation.ts";
import { RefTable } from "../wire/refTable.ts";

export class RefBindings implements Bindings {
	readonly #table = new RefTable();

	own(primary: FileRef): FileRef | undefined {
		return this.#table.get(primary);
	}

	bind(primary: FileRef, own: FileRef): void {
		this.#table.set(primary, own);
	}

	unbind(primary: FileRef): void {
		this.#table.delete(primary);
	}
}
