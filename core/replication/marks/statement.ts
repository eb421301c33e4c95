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
	const now = sum(durable, added, files, directories);
	const entries: Entry[] = [];
	for (const file of files) {
		entries.push(fileEntry(now, file));
		const groups = new Set([...(stale.groups.get(file) ?? []), ...(added.files.get(file)?.groups.keys() ?? [])]);
		for (const group of groups) entries.push(groupEntry(now, file, group));
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

/** Both sets; of the first one only these, or all. */
export function sum(
	durable: MarkSet,
	added: MarkSet,
	files: Iterable<FileRef> = durable.files.keys(),
	directories: Iterable<FileRef> = durable.directories.keys(),
): MarkSet {
	const all = new MarkSet();
	for (const ref of files) {
		const known = durable.files.get(ref);
		if (known === undefined) continue;
		if (known.whole) all.addWhole(ref, known.hint);
		const file = all.addFile(ref, known.hint);
		for (const [index, { lo, hi }] of known.groups) all.addBits(file, index, lo, hi);
	}
	for (const ref of directories) {
		const known = durable.directories.get(ref);
		if (known !== undefined) all.addDirectory(ref, known.since);
	}
	all.merge(added);
	return all;
}
