/**
 * What the marks file says, entry by entry: each one replaces what was said about the same file, group or directory
 * before. Pure.
 */
import { SafekitError } from "../../errors.ts";
import { parseFileId } from "../local/identity.ts";
import type { FileId, FileRef } from "../operation.ts";
import type { MarkSet } from "./markSet.ts";

export type Entry =
	/** `state` gone: no mark of this file, nor of any of its groups. */
	| { is: "file"; file: FileRef; hint: FileRef; state: "gone" | "attributes" | "whole" }
	/** Exactly these chunks of the group; none: it is gone. */
	| { is: "group"; file: FileRef; group: number; lo: number; hi: number }
	| { is: "directory"; directory: FileRef; since: FileId | null; subtree: boolean; gone: boolean }
	/** Nothing is known; the other marks count all the same when this is taken back. */
	| { is: "everything"; yes: boolean }
	/** The disk's clock, in nanoseconds: changes until then went through the mount. `away`: the mount goes now. */
	| { is: "clock"; ns: bigint; away: boolean };

const kinds = ["", "file", "group", "directory", "everything", "clock"] as const;
const states = ["gone", "attributes", "whole"] as const;
const sizes = { "": 0, file: 18, group: 21, directory: 25, everything: 2, clock: 10 } as const;

export function entryBytes(entry: Entry): number {
	return sizes[entry.is];
}

export function writeEntry(out: Buffer, at: number, entry: Entry): number {
	out[at] = kinds.indexOf(entry.is);
	switch (entry.is) {
		case "file":
			out.writeBigUInt64BE(entry.file, at + 1);
			out.writeBigUInt64BE(entry.hint, at + 9);
			out[at + 17] = states.indexOf(entry.state);
			break;
		case "group":
			out.writeBigUInt64BE(entry.file, at + 1);
			out.writeUInt32BE(entry.group, at + 9);
			out.writeUInt32BE(entry.hi >>> 0, at + 13);
			out.writeUInt32BE(entry.lo >>> 0, at + 17);
			break;
		case "directory": {
			const { term, node, seq } = entry.since === null ? { term: 0, node: 0, seq: 0n } : parseFileId(entry.since);
			out.writeBigUInt64BE(entry.directory, at + 1);
			out[at + 9] = entry.gone ? 0 : entry.subtree ? 3 : entry.since === null ? 2 : 1;
			out.writeUIntBE(term, at + 10, 6);
			out[at + 16] = node;
			out.writeBigUInt64BE(seq, at + 17);
			break;
		}
		case "everything":
			out[at + 1] = entry.yes ? 1 : 0;
			break;
		case "clock":
			out.writeBigInt64BE(entry.ns, at + 1);
			out[at + 9] = entry.away ? 1 : 0;
	}
	return at + sizes[entry.is];
}

/** All entries of one block's payload. @throws SafekitError REPLICATION_RECORDS for what is none. */
export function readEntries(bytes: Buffer): Entry[] {
	const entries: Entry[] = [];
	for (let at = 0; at < bytes.length; ) {
		const kind = kinds[bytes[at]!] ?? "";
		if (kind === "" || at + sizes[kind] > bytes.length)
			throw new SafekitError("REPLICATION_RECORDS", "the marks hold an entry that is none");
		entries.push(readEntry(kind, bytes, at));
		at += sizes[kind];
	}
	return entries;
}

function readEntry(is: Entry["is"], bytes: Buffer, at: number): Entry {
	switch (is) {
		case "file": {
			const [file, hint] = [bytes.readBigUInt64BE(at + 1), bytes.readBigUInt64BE(at + 9)];
			return { is, file, hint, state: states[bytes[at + 17]!] ?? "whole" };
		}
		case "group": {
			const [hi, lo] = [bytes.readUInt32BE(at + 13), bytes.readUInt32BE(at + 17)];
			return { is, file: bytes.readBigUInt64BE(at + 1), group: bytes.readUInt32BE(at + 9), lo: lo | 0, hi: hi | 0 };
		}
		case "directory": {
			const state = bytes[at + 9]!;
			const id = `${bytes.readUIntBE(at + 10, 6)}.${bytes[at + 16]}.${bytes.readBigUInt64BE(at + 17)}`;
			const directory = bytes.readBigUInt64BE(at + 1);
			return { is, directory, since: state === 1 ? id : null, subtree: state === 3, gone: state === 0 };
		}
		case "everything":
			return { is, yes: bytes[at + 1] !== 0 };
		case "clock":
			return { is, ns: bytes.readBigInt64BE(at + 1), away: bytes[at + 9] !== 0 };
	}
}

/** What the mark of one file is now. */
export function fileEntry(set: MarkSet, file: FileRef): Entry {
	const entry = set.files.get(file);
	if (entry === undefined) return { is: "file", file, hint: 0n, state: "gone" };
	return { is: "file", file, hint: entry.hint, state: entry.whole ? "whole" : "attributes" };
}

export function groupEntry(set: MarkSet, file: FileRef, group: number): Entry {
	const bits = set.files.get(file)?.groups.get(group);
	return { is: "group", file, group, lo: bits?.lo ?? 0, hi: bits?.hi ?? 0 };
}

export function directoryEntry(set: MarkSet, directory: FileRef): Entry {
	const entry = set.directories.get(directory);
	return {
		is: "directory",
		directory,
		since: entry?.since ?? null,
		subtree: entry?.subtree ?? false,
		gone: entry === undefined,
	};
}

/** Everything that a set says. */
export function entriesOf(set: MarkSet): Entry[] {
	const entries: Entry[] = [];
	for (const [file, { groups }] of set.files) {
		entries.push(fileEntry(set, file));
		for (const group of groups.keys()) entries.push(groupEntry(set, file, group));
	}
	for (const directory of set.directories.keys()) entries.push(directoryEntry(set, directory));
	return entries;
}

/** Lets one entry count for a set that is being read. */
export function applyEntry(set: MarkSet, entry: Entry): void {
	switch (entry.is) {
		case "file":
			if (entry.state === "gone") set.removeFile(entry.file);
			else if (entry.state === "whole") set.addWhole(entry.file, entry.hint);
			else set.addFile(entry.file, entry.hint).whole = false;
			break;
		case "group": {
			const file = set.files.get(entry.file);
			if (file === undefined) break;
			set.setBits(file, entry.group, entry.lo, entry.hi);
			break;
		}
		case "directory":
			set.removeDirectory(entry.directory);
			if (!entry.gone) set.addDirectory(entry.directory, entry.since, entry.subtree);
	}
}
