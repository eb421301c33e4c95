/**
 * Where files were seen last: a bounded memory, so that a file can be named to the peer without a search
 * (replication.md §5.2). What it says may be out of date: whoever uses it looks whether the name still leads there.
 */
import type { FileRef } from "../operation.ts";

export interface Place {
	parent: FileRef;
	name: Buffer;
}

interface Seen {
	parent: FileRef;
	/** latin1: any bytes survive, in a quarter of a Buffer's memory. */
	name: string;
}

/** Two generations of so many: the older one goes as a whole. */
const generation = 32_768;

export class NameMemory {
	#young = new Map<FileRef, Seen>();
	#old = new Map<FileRef, Seen>();

	note(file: FileRef, parent: FileRef, name: Buffer): void {
		if (this.#young.size >= generation) {
			this.#old = this.#young;
			this.#young = new Map();
		}
		this.#young.set(file, { parent, name: name.toString("latin1") });
	}

	where(file: FileRef): Place | undefined {
		const seen = this.#young.get(file) ?? this.#old.get(file);
		return seen && { parent: seen.parent, name: Buffer.from(seen.name, "latin1") };
	}
}
