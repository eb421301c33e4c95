/**
 * What may differ between the two disks (replication.md §5.4), in this node's own references. The primary makes the
 * covering marks durable before it applies a change; a checkpoint removes those that both disks have outlived.
 */
import { parseFileId } from "../local/identity.ts";
import type { FileId, FileRef } from "../operation.ts";

/** Marks name content in chunks of so many bytes. */
export const chunkBytes = 4 << 20;

/** Of one file: parts of its content, its attributes (owner, mode, times, size, extended ones), or all of it. */
export interface FileMark {
	readonly file: FileRef;
	/** A directory that held it; 0n when unknown. A wrong hint costs a walk over names, never a difference. */
	readonly hint: FileRef;
	readonly whole: boolean;
	/** Always true: whatever changes a file changes its times. */
	readonly attributes: boolean;
	/** Indexes of chunks, ascending. */
	readonly chunks: readonly number[];
}

/**
 * Of one directory: its entries and its own attributes, and all of every file in it that is young: whose id is not
 * older than `since`, or that has no id. `since` null: every file in it.
 */
export interface DirectoryMark {
	readonly directory: FileRef;
	readonly since: FileId | null;
	/** Everything below it too. */
	readonly subtree: boolean;
}

export interface MarkList {
	/** Nothing is known: all must be compared. The lists are then of no interest. */
	readonly everything: boolean;
	readonly files: readonly FileMark[];
	readonly directories: readonly DirectoryMark[];
}

/** True when a file with this id (null: none) is covered by a directory mark with this `since`. */
export function isYoung(id: FileId | null, since: FileId | null): boolean {
	if (id === null || since === null) return true;
	const [a, b] = [parseFileId(id), parseFileId(since)];
	return a.term === b.term ? a.seq >= b.seq : a.term > b.term;
}
