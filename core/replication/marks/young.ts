/**
 * Files that a directory's mark covers because they are younger than it (replication.md §5.4): created, or found in
 * it, since. Bounded: of what is forgotten the next change gets a mark of its own. Pure.
 */
import type { FileRef } from "../operation.ts";
import type { DirectoryEntry } from "./markSet.ts";

export const maxYoung = 65_536;

interface Young {
	directory: DirectoryEntry;
	/** Intervals between checkpoints in which it was created, and changed last. */
	born: number;
	used: number;
}

export class YoungFiles {
	readonly #files = new Map<FileRef, Young>();
	/** The interval in which one was last forgotten that its directory still covered. */
	#forgotten = -1;

	add(file: FileRef, directory: DirectoryEntry, interval: number): void {
		this.#files.set(file, { directory, born: interval, used: interval });
		if (this.#files.size <= maxYoung) return;
		const oldest = this.#files.keys().next().value!;
		this.#files.delete(oldest);
		this.#forgotten = interval;
	}

	has(file: FileRef): boolean {
		return this.#live(file) !== null;
	}

	/** True: a change of this file needs no mark of its own. */
	covers(file: FileRef, interval: number): boolean {
		const young = this.#live(file);
		if (young === null) return false;
		young.used = interval;
		young.directory.used = interval;
		return true;
	}

	delete(file: FileRef): void {
		this.#files.delete(file);
	}

	clear(): void {
		this.#files.clear();
	}

	/**
	 * Grows up: files older than this interval are no longer covered by a directory that is used on and on. What of
	 * them was changed in this interval needs a mark of its own, and is returned, by directory.
	 * null: too much was forgotten meanwhile to say, or too many are in use; all stay young.
	 */
	grow(interval: number, most: number): FileRef[] | null {
		if (this.#forgotten === interval) return null;
		const inUse: FileRef[] = [];
		const old: FileRef[] = [];
		for (const [file, { directory, born, used }] of this.#files) {
			if (born === interval && !directory.removed) continue;
			old.push(file);
			if (used === interval && !directory.removed && directory.since !== null) inUse.push(file);
			if (inUse.length > most) return null;
		}
		for (const file of old) {
			const young = this.#files.get(file)!;
			if (young.directory.since !== null || young.directory.removed) this.#files.delete(file);
		}
		return inUse;
	}

	#live(file: FileRef): Young | null {
		const young = this.#files.get(file);
		if (young === undefined) return null;
		if (!young.directory.removed) return young;
		this.#files.delete(file);
		return null;
	}
}
