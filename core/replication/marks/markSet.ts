/**
 * Marks in memory (replication.md §5.4): of files, 256 MiB groups of 64 chunks each, and of directories. Whether a
 * change is covered costs a look into a map, or nothing for the file that was asked about last. Every mark remembers
 * in which interval between two checkpoints it was last used. Pure.
 */
import type { FileId, FileRef } from "../operation.ts";
import { chunkBytes, type DirectoryMark, type FileMark } from "./mark.ts";

export const chunksInGroup = 64;

/** 64 chunks: `lo` the first 32. `recent`: used in this interval, `before`: in the one before. */
export class Group {
	lo = 0;
	hi = 0;
	recentLo = 0;
	recentHi = 0;
	beforeLo = 0;
	beforeHi = 0;

	has(bit: number): boolean {
		return ((bit < 32 ? this.lo >>> bit : this.hi >>> (bit - 32)) & 1) !== 0;
	}

	use(bit: number): void {
		if (bit < 32) this.recentLo |= 1 << bit;
		else this.recentHi |= 1 << (bit - 32);
	}

	get count(): number {
		return bits(this.lo) + bits(this.hi);
	}
}

export class FileEntry {
	hint: FileRef;
	/** All of it. Without this and without groups: its attributes, which every mark of a file holds. */
	whole = false;
	used = 0;
	/** Of a difference that was found: only a comparison takes it away. */
	lasting = false;
	readonly groups = new Map<number, Group>();

	constructor(hint: FileRef) {
		this.hint = hint;
	}
}

export class DirectoryEntry {
	since: FileId | null;
	/** Everything below it, whole; `since` is null then. */
	subtree = false;
	used = 0;
	/** As of a file. */
	lasting = false;
	/** Taken out of the set: files that counted as young by it do so no more. */
	removed = false;

	constructor(since: FileId | null) {
		this.since = since;
	}
}

/** What a checkpoint took away, to be made durable some time. */
export interface Removed {
	files: FileRef[];
	groups: { file: FileRef; group: number }[];
	directories: FileRef[];
}

export class MarkSet {
	readonly files = new Map<FileRef, FileEntry>();
	readonly directories = new Map<FileRef, DirectoryEntry>();
	/** Number of this interval. */
	interval = 0;
	#groups = 0;
	#chunks = 0;
	#subtrees = 0;
	/** The file asked about last: a database writes one file a thousand times. */
	#lastRef: FileRef = -1n;
	#lastFile: FileEntry | undefined;

	/** Entries that cost memory and room in the file: files, groups and directories. */
	get size(): number {
		return this.files.size + this.#groups + this.directories.size;
	}

	/** Marked chunks of all files. */
	get chunks(): number {
		return this.#chunks;
	}

	/** Directories below which everything is marked. */
	get subtrees(): number {
		return this.#subtrees;
	}

	/** True when chunks `first` to `last` are all marked; they count as used then. */
	coversChunks(ref: FileRef, first: number, last: number): boolean {
		const file = this.#file(ref);
		if (file === undefined) return false;
		file.used = this.interval;
		if (file.whole) return true;
		for (let chunk = first; chunk <= last; chunk++) {
			const group = file.groups.get(Math.floor(chunk / chunksInGroup));
			const bit = chunk % chunksInGroup;
			if (group?.has(bit) !== true) return false;
			group.use(bit);
		}
		return true;
	}

	coversWhole(ref: FileRef): boolean {
		const file = this.#file(ref);
		if (file?.whole !== true) return false;
		file.used = this.interval;
		return true;
	}

	coversAttributes(ref: FileRef): boolean {
		const file = this.#file(ref);
		if (file === undefined) return this.coversEntries(ref);
		file.used = this.interval;
		return true;
	}

	coversEntries(ref: FileRef): boolean {
		const directory = this.directories.get(ref);
		if (directory === undefined) return false;
		directory.used = this.interval;
		return true;
	}

	coversSubtree(ref: FileRef): boolean {
		const directory = this.directories.get(ref);
		if (directory?.subtree !== true) return false;
		directory.used = this.interval;
		return true;
	}

	/** The file's entry, made when there is none: its attributes are then marked. */
	addFile(ref: FileRef, hint: FileRef): FileEntry {
		let file = this.#file(ref);
		if (file === undefined) {
			file = new FileEntry(hint);
			this.files.set(ref, file);
			if (this.#lastRef === ref) this.#lastFile = file;
		}
		if (hint !== 0n) file.hint = hint;
		file.used = this.interval;
		return file;
	}

	addWhole(ref: FileRef, hint: FileRef): FileEntry {
		const file = this.addFile(ref, hint);
		file.whole = true;
		this.#dropGroups(file);
		return file;
	}

	addChunks(ref: FileRef, hint: FileRef, first: number, last: number): void {
		const file = this.addFile(ref, hint);
		for (let chunk = first; chunk <= last; chunk++) {
			const [index, bit] = [Math.floor(chunk / chunksInGroup), chunk % chunksInGroup];
			this.addBits(file, index, bit < 32 ? 1 << bit : 0, bit < 32 ? 0 : 1 << (bit - 32));
		}
	}

	/** Bits of one group; nothing for a file that is marked whole. */
	addBits(file: FileEntry, index: number, lo: number, hi: number): void {
		if (file.whole) return;
		let group = file.groups.get(index);
		if (group === undefined) {
			group = new Group();
			file.groups.set(index, group);
			this.#groups++;
		}
		this.#chunks -= group.count;
		group.lo |= lo;
		group.hi |= hi;
		group.recentLo |= lo;
		group.recentHi |= hi;
		this.#chunks += group.count;
	}

	/** Exactly these bits; none: the group goes. */
	setBits(file: FileEntry, index: number, lo: number, hi: number): void {
		const group = file.groups.get(index);
		if (group !== undefined) {
			this.#chunks -= group.count;
			this.#groups--;
			file.groups.delete(index);
		}
		if ((lo | hi) !== 0) this.addBits(file, index, lo, hi);
	}

	/** `since` null holds more than any id; an earlier one more than a later one, so what is there first stays. */
	addDirectory(ref: FileRef, since: FileId | null, subtree = false): DirectoryEntry {
		let directory = this.directories.get(ref);
		if (directory === undefined) {
			directory = new DirectoryEntry(since);
			this.directories.set(ref, directory);
		}
		if (since === null || subtree) directory.since = null;
		if (subtree && !directory.subtree) {
			directory.subtree = true;
			this.#subtrees++;
		}
		directory.used = this.interval;
		return directory;
	}

	removeFile(ref: FileRef): void {
		const file = this.files.get(ref);
		if (file === undefined) return;
		this.#dropGroups(file);
		this.files.delete(ref);
		if (this.#lastRef === ref) this.#lastFile = undefined;
	}

	removeDirectory(ref: FileRef): void {
		const directory = this.directories.get(ref);
		if (directory === undefined) return;
		directory.removed = true;
		if (directory.subtree) this.#subtrees--;
		this.directories.delete(ref);
	}

	/** Takes over what another set holds: that has just become durable. */
	merge(other: MarkSet): void {
		for (const [ref, { hint, whole, lasting, groups }] of other.files) {
			if (whole) this.addWhole(ref, hint);
			const file = this.addFile(ref, hint);
			file.lasting ||= lasting;
			for (const [index, { lo, hi }] of groups) this.addBits(file, index, lo, hi);
		}
		for (const [ref, { since, lasting, subtree }] of other.directories) {
			this.addDirectory(ref, since, subtree).lasting ||= lasting;
		}
	}

	/** A new interval begins: what is used from here on counts as later than the checkpoint that begins now. */
	turn(): void {
		this.interval++;
		for (const { groups } of this.files.values()) {
			for (const group of groups.values()) {
				group.beforeLo = group.recentLo;
				group.beforeHi = group.recentHi;
				group.recentLo = 0;
				group.recentHi = 0;
			}
		}
	}

	/**
	 * The checkpoint that began with the last `turn` is on both disks: what was not used since goes. `spare`: what was
	 * used in the interval before it stays too, since it will be used again. `compared`: differences that were found
	 * before it are none any more.
	 */
	prune(spare: boolean, compared = false): Removed {
		const removed: Removed = { files: [], groups: [], directories: [] };
		const oldest = spare ? this.interval - 1 : this.interval;
		for (const [ref, file] of this.files) {
			if (file.lasting && !compared) continue;
			file.lasting = false;
			this.#pruneGroups(ref, file, spare, removed);
			if (file.used >= oldest || file.groups.size > 0) continue;
			this.removeFile(ref);
			removed.files.push(ref);
		}
		for (const [ref, directory] of this.directories) {
			if (directory.lasting && !compared) continue;
			directory.lasting = false;
			if (directory.used >= oldest) continue;
			this.removeDirectory(ref);
			removed.directories.push(ref);
		}
		return removed;
	}

	/** A directory's mark covers files that are younger than this only, if it is not for all of them. */
	advance(ref: FileRef, since: FileId): void {
		const directory = this.directories.get(ref);
		if (directory !== undefined && directory.since !== null) directory.since = since;
	}

	/** Files with the most groups, which together have so many; none that has one only. */
	widest(groups: number): [FileRef, FileRef][] {
		const many = [...this.files].filter(([, file]) => file.groups.size > 1);
		many.sort(([, a], [, b]) => b.groups.size - a.groups.size);
		const chosen: [FileRef, FileRef][] = [];
		let left = groups;
		for (const [ref, file] of many) {
			if (left <= 0) break;
			chosen.push([ref, file.hint]);
			left -= file.groups.size;
		}
		return chosen;
	}

	clear(): void {
		for (const directory of this.directories.values()) directory.removed = true;
		this.files.clear();
		this.directories.clear();
		this.#groups = 0;
		this.#chunks = 0;
		this.#subtrees = 0;
		this.#lastRef = -1n;
		this.#lastFile = undefined;
	}

	list(): { files: FileMark[]; directories: DirectoryMark[] } {
		const files = [...this.files].map(([file, { hint, whole, groups }]) => ({
			file,
			hint,
			whole,
			attributes: true,
			chunks: chunkList(groups),
		}));
		const directories = [...this.directories].map(([directory, { since, subtree }]) => ({ directory, since, subtree }));
		return { files, directories };
	}

	#file(ref: FileRef): FileEntry | undefined {
		if (this.#lastRef !== ref) {
			this.#lastRef = ref;
			this.#lastFile = this.files.get(ref);
		}
		return this.#lastFile;
	}

	#dropGroups(file: FileEntry): void {
		for (const group of file.groups.values()) this.#chunks -= group.count;
		this.#groups -= file.groups.size;
		file.groups.clear();
	}

	#pruneGroups(ref: FileRef, file: FileEntry, spare: boolean, removed: Removed): void {
		for (const [index, group] of file.groups) {
			const [keepLo, keepHi] = spare
				? [group.recentLo | group.beforeLo, group.recentHi | group.beforeHi]
				: [group.recentLo, group.recentHi];
			if ((group.lo & ~keepLo) === 0 && (group.hi & ~keepHi) === 0) continue;
			removed.groups.push({ file: ref, group: index });
			this.#chunks -= group.count;
			group.lo &= keepLo;
			group.hi &= keepHi;
			this.#chunks += group.count;
			if (group.lo !== 0 || group.hi !== 0) continue;
			file.groups.delete(index);
			this.#groups--;
		}
	}
}

/** The chunk that a byte lies in. */
export function chunkOf(offset: bigint): number {
	return Math.floor(Number(offset) / chunkBytes);
}

function chunkList(groups: ReadonlyMap<number, Group>): number[] {
	const chunks: number[] = [];
	for (const index of [...groups.keys()].sort((a, b) => a - b)) {
		const group = groups.get(index)!;
		for (let bit = 0; bit < chunksInGroup; bit++) if (group.has(bit)) chunks.push(index * chunksInGroup + bit);
	}
	return chunks;
}

function bits(word: number): number {
	let left = word - ((word >>> 1) & 0x55555555);
	left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
	return (((left + (left >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
