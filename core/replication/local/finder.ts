/**
 * Finds names of files by their inode numbers, which directory entries carry: first in the directories that are said
 * to hold them, then, for what is left, by a walk over all names of the tree. In bounded steps.
 */
import { SafekitError } from "../../errors.ts";
import { errno, errnoName, open } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Tree } from "./tree.ts";

/** DT_DIR, and what a file system says that does not tell. */
const [directoryEntry, unknownEntry] = [4, 0];

export class Finder {
	readonly #tree: Tree;
	readonly #found: (file: FileRef, parent: FileRef, name: Buffer) => void;
	/** By inode number. */
	readonly #wanted = new Map<bigint, FileRef>();
	readonly #hinted = new Set<FileRef>();
	readonly #everyName: boolean;
	#walk: FileRef[] | null = null;
	#fd = -1;
	#directory: FileRef = 0n;
	/** Directories that were read. */
	looked = 0;

	/** @param everyName also further names of a file that has one already; needs the whole walk. */
	constructor(tree: Tree, everyName: boolean, found: (file: FileRef, parent: FileRef, name: Buffer) => void) {
		this.#tree = tree;
		this.#everyName = everyName;
		this.#found = found;
	}

	/** `hint` 0n: nobody knows. */
	want(file: FileRef, hint: FileRef): void {
		this.#wanted.set(file & 0xffffffffn, file);
		if (hint !== 0n && !this.#everyName) this.#hinted.add(hint);
	}

	/** What no name was found for. */
	get left(): FileRef[] {
		return [...this.#wanted.values()];
	}

	/**
	 * Reads a few hundred entries; false: everything was found, or everything was looked at.
	 * @throws SafekitError REPLICATION_DISK when a directory cannot be read.
	 */
	step(): boolean {
		if (this.#wanted.size === 0) return this.close();
		if (this.#fd < 0) return this.#next();
		const batch = this.#tree.system.getdents(this.#fd);
		if (typeof batch === "number") unreadable(batch);
		if (typeof batch === "number" || batch.length === 0) {
			this.#tree.system.close(this.#fd);
			this.#fd = -1;
			return true;
		}
		for (const { name, ino, type } of batch) {
			if (this.#tree.hides(this.#directory, name)) continue;
			const file = this.#wanted.get(ino);
			if (file !== undefined) this.#check(file, name);
			if (this.#walk !== null && (type === directoryEntry || type === unknownEntry)) this.#descend(name);
		}
		return true;
	}

	close(): false {
		if (this.#fd >= 0) this.#tree.system.close(this.#fd);
		this.#fd = -1;
		return false;
	}

	#check(file: FileRef, name: Buffer): void {
		if (this.#tree.refAt(this.#fd, name) !== file) return;
		if (!this.#everyName) this.#wanted.delete(file & 0xffffffffn);
		this.#found(file, this.#directory, Buffer.from(name));
	}

	#descend(name: Buffer): void {
		const ref = this.#tree.refAt(this.#fd, name);
		if (typeof ref === "bigint") this.#walk!.push(ref);
	}

	#next(): boolean {
		const [hint] = this.#hinted;
		if (hint !== undefined) this.#hinted.delete(hint);
		else this.#walk ??= [this.#tree.rootRef];
		const directory = hint ?? this.#walk!.pop();
		if (directory === undefined) return false;
		const fd = this.#tree.openDirectory(directory);
		if (fd < 0) {
			unreadable(fd);
			return true;
		}
		this.#fd = fd;
		this.#directory = directory;
		this.looked++;
		return true;
	}
}

/**
 * The name of an entry with this reference in a directory; null: none.
 * @throws SafekitError REPLICATION_DISK when the directory cannot be read.
 */
export function nameOf(tree: Tree, directory: FileRef, file: FileRef): Buffer | null {
	const fd = tree.openDirectory(directory);
	if (fd < 0) return unreadable(fd);
	try {
		const inode = file & 0xffffffffn;
		for (;;) {
			const batch = tree.system.getdents(fd);
			if (typeof batch === "number") return unreadable(batch);
			if (batch.length === 0) return null;
			for (const { name, ino } of batch) {
				if (ino === inode && !tree.hides(directory, name) && tree.refAt(fd, name) === file) return Buffer.from(name);
			}
		}
	} finally {
		tree.system.close(fd);
	}
}

/**
 * The directory above a directory; a number: it is gone, or `directory` is none. The way up from what lies in the root
 * ends in the mount that lies over it, which must not be asked anything.
 */
export function parentOf(tree: Tree, directory: FileRef): FileRef | number {
	return tree.with<FileRef>(directory, (fd) => {
		const above = tree.system.openat(fd, "..", open.PATH | open.CLOEXEC | tree.system.flags.DIRECTORY);
		if (above < 0) return above === -errno.ENOENT ? -errno.ESTALE : above;
		const ref = tree.refAt(above, "");
		tree.system.close(above);
		return ref === -errno.EXDEV ? tree.rootRef : ref;
	});
}

/** null: it is gone. Anything else would leave files out. */
function unreadable(result: number): null {
	if (result === -errno.ENOENT || result === -errno.ESTALE) return null;
	throw new SafekitError("REPLICATION_DISK", `a directory cannot be read (${errnoName(result)})`);
}
