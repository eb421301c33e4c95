/**
 * What the kernel may keep in its page cache. A primary is the only writer, and every change comes through the kernel, so
 * what it has read or written since this side became the primary is as it is underneath, also while nobody has the file
 * open. What it read before that may be of a time when a peer's changes went past it: the first open drops it.
 */
import type { FileRef } from "../operation.ts";

/** What is forgotten of more files is dropped with their next open: that costs reads, nothing else. */
export const maxCached = 65_536;

export class PageCache {
	readonly #files = new Set<FileRef>();

	/** A file is opened on a primary: whether the kernel may keep the pages that it has. */
	opened(file: FileRef): boolean {
		if (this.#files.has(file)) return true;
		this.#files.add(file);
		if (this.#files.size > maxCached) {
			const [oldest] = this.#files;
			this.#files.delete(oldest!);
		}
		return false;
	}

	/** The kernel has forgotten the file, pages included. */
	forget(file: FileRef): void {
		this.#files.delete(file);
	}

	/** The role changes: nothing that the kernel has is to be believed. */
	clear(): void {
		this.#files.clear();
	}
}
