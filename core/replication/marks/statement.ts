/** What the next write of marks has to say, from what is on disk, what is new, and what is no longer true. Pure. */
import type { FileId, FileRef } from "../operation.ts";
import { directoryEntry, type Entry, entriesOf, fileEntry, groupEntry } from "./entries.ts";
import { MarkSet, type Removed } from "./markSet.ts";

/** Files, groups and directories of which the disk says too much. */
export class Stale {
	readonly files = new Set<FileRef>();
	readonly groups = new Map<FileRef, Set<number>>();
	readonly directories = new Set<FileRef>();
	/** Directories that cover files younger than this from now on. */
	readonly since = new Map<FileRef, FileId>();

	get size(): number {
		return this.files.size + this.groups.size + this.directories.size + this.since.size;
	}

	add(removed: Removed): void {
		for (const file of removed.files) this.files.add(file);
		for (const directory of removed.directories) this.directories.add(directory);
		for (const { file, group } of removed.groups) {
			const known = this.groups.get(file);
			if (known === undefined) this.groups.set(file, new Set([group]));
			else known.add(group);
		}
	}
}

/** Everything. */
export function wholeStatement(durable: MarkSet, added: MarkSet, stale: Stale): Entry[] {
	return grown(entriesOf(sum(durable, added)), stale);
}

/** Only what changes. */
export function statement(durable: MarkSet, added: MarkSet, stale: Stale): Entry[] {
	const files = new Set([...stale.files, ...stale.groups.keys(), ...added.files.keys()]);
	const directories = new Set([...stale.directories, ...stale.since.keys(), ...added.directories.keys()]);
	// Of each file only the groups that change: a large one has thousands of others.
	const now = new MarkSet();
	const entries: Entry[] = [];
	for (const file of files) {
		const groups = new Set([...(stale.groups.get(file) ?? []), ...(added.files.get(file)?.groups.keys() ?? [])]);
		copyFile(durable, now, file, groups);
		copyFile(added, now, file, groups);
		entries.push(fileEntry(now, file));
		for (const group of groups) entries.push(groupEntry(now, file, group));
	}
	for (const directory of directories) {
		copyDirectory(durable, now, directory);
		copyDirectory(added, now, directory);
	}
	for (const directory of directories) entries.push(directoryEntry(now, directory));
	return grown(entries, stale);
}

function grown(entries: Entry[], { since }: Stale): Entry[] {
	return entries.map((entry) => {
		if (entry.is !== "directory" || entry.gone || entry.since === null) return entry;
		return { ...entry, since: since.get(entry.directory) ?? entry.since };
	});
}

/** Both sets. */
export function sum(durable: MarkSet, added: MarkSet): MarkSet {
	const all = new MarkSet();
	all.merge(durable);
	all.merge(added);
	return all;
}

function copyFile(from: MarkSet, to: MarkSet, ref: FileRef, groups: Iterable<number>): void {
	const known = from.files.get(ref);
	if (known === undefined) return;
	if (known.whole) to.addWhole(ref, known.hint);
	const file = to.addFile(ref, known.hint);
	for (const index of groups) {
		const group = known.groups.get(index);
		if (group !== undefined) to.addBits(file, index, group.lo, group.hi);
	}
}

function copyDirectory(from: MarkSet, to: MarkSet, ref: FileRef): void {
	const known = from.directories.get(ref);
	if (known !== undefined) to.addDirectory(ref, known.since, known.subtree);
}
