/**
 * Where in limbo a file is: entries of limbo itself are named by their ids; what lies deeper, in directories that were
 * put there, is looked through when something is missed, within bounds. Beyond them a moved file is copied.
 */
import { type as fileType } from "../errno.ts";
import type { Place } from "../local/nameMemory.ts";
import type { Tree } from "../local/tree.ts";
import type { FileId, FileRef } from "../operation.ts";

/** Files below directories in limbo that are remembered, and looked at in one go. */
const mostRemembered = 50_000;
const mostAtOnce = 10_000;
const directoryEntry = 4;

export class LimboIndex {
	readonly #tree: Tree;
	readonly #below = new Map<FileId, Place & { file: FileRef }>();
	/** Directories that were not looked through yet. */
	#unread: FileRef[] = [];

	constructor(tree: Tree) {
		this.#tree = tree;
		const limbo = tree.refAt(tree.folderFd.limbo, "");
		const entries = typeof limbo === "number" ? [] : tree.list(limbo);
		// Left by a copy that was interrupted.
		for (const { name, type } of typeof entries === "number" ? [] : entries) {
			const ref = tree.refAt(tree.folderFd.limbo, name);
			if (type === directoryEntry && typeof ref === "bigint") this.#unread.push(ref);
		}
	}

	/** A directory was put into limbo. */
	added(ref: FileRef, mode: number): void {
		if ((mode & fileType.MASK) === fileType.DIRECTORY) this.#unread.push(ref);
	}

	/** The file with this id, inside a directory in limbo; null: not found. */
	below(id: FileId): (Place & { file: FileRef }) | null {
		if (!this.#below.has(id)) this.#read();
		const found = this.#below.get(id);
		if (found === undefined) return null;
		this.#below.delete(id);
		const now = this.#tree.with<FileRef>(found.parent, (fd) => this.#tree.refAt(fd, found.name));
		return now === found.file && this.#tree.idOf(found.file) === id ? found : null;
	}

	#read(): void {
		for (let left = mostAtOnce; left > 0 && this.#below.size < mostRemembered; ) {
			const directory = this.#unread.pop();
			if (directory === undefined) return;
			const entries = this.#tree.list(directory);
			if (typeof entries === "number") continue;
			left -= entries.length + 1;
			for (const { name, type } of entries) this.#remember(directory, name, type);
		}
	}

	#remember(parent: FileRef, name: Buffer, kind: number): void {
		const file = this.#tree.with<FileRef>(parent, (fd) => this.#tree.refAt(fd, name));
		if (typeof file === "number") return;
		if (kind === directoryEntry) this.#unread.push(file);
		const id = this.#tree.idOf(file);
		if (typeof id === "string") this.#below.set(id, { parent, name, file });
	}
}
