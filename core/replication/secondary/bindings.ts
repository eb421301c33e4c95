/** The target's memory of which of its own files the source means, for one session (replication.md §5.2). */
import type { Bindings } from "../local/bindings.ts";
import type { Tree } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";
import { RefTable } from "../wire/refTable.ts";

const sweepSlots = 2000;

export class RefBindings implements Bindings {
	readonly #table = new RefTable();
	/** Bindings of files that are gone are swept out when the table has doubled since the last time. */
	#sweepAt = 100_000;
	#sweeping: number | null = null;

	own(primary: FileRef): FileRef | undefined {
		return this.#table.get(primary);
	}

	bind(primary: FileRef, own: FileRef): void {
		this.#table.set(primary, own);
		if (this.#table.size > this.#sweepAt) this.#sweeping ??= 0;
	}

	unbind(primary: FileRef): void {
		this.#table.delete(primary);
	}

	get size(): number {
		return this.#table.size;
	}

	/** A bounded piece of sweeping; true while there is more. */
	sweep(tree: Tree): boolean {
		if (this.#sweeping === null) return false;
		const slots = this.#table.slots(this.#sweeping, sweepSlots);
		if (slots === null) {
			this.#sweeping = null;
			this.#sweepAt = Math.max(100_000, this.#table.size * 2);
			return false;
		}
		this.#sweeping += sweepSlots;
		for (const [primary, own] of slots) {
			const fd = tree.openPath(own);
			if (fd >= 0) tree.system.close(fd);
			else this.#table.delete(primary);
		}
		return true;
	}
}
