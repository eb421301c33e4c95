/**
 * Directories kept open while names are looked up and changed in them, the least used are closed; and the attributes
 * that they had after the last change of an entry, since the kernel asks for those after each. For a tree that nobody
 * else changes.
 */
import { open } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Or, Stat } from "../system.ts";
import type { Tree } from "./tree.ts";

/** Far more than one request uses. */
const maxOpen = 64;

interface OpenDirectory {
	fd: number;
	/** null: not known. */
	stat: Stat | null;
}

export class Directories {
	readonly #tree: Tree;
	/** In the order of their last use. */
	readonly #open = new Map<FileRef, OpenDirectory>();
	#last: FileRef | null = null;
	#lastFd = -1;

	constructor(tree: Tree) {
		this.#tree = tree;
	}

	/** Directories that are open. */
	get size(): number {
		return this.#open.size;
	}

	/** Runs `use` with the directory open, O_RDONLY. */
	with<T>(ref: FileRef, use: (fd: number) => Or<T>): Or<T> {
		const fd = ref === this.#last ? this.#lastFd : this.#find(ref);
		return fd < 0 ? fd : use(fd);
	}

	/** The attributes of a directory that is open, asked for only if they are not known. */
	stat(ref: FileRef): Or<Stat> | null {
		const directory = this.#open.get(ref);
		if (directory === undefined) return null;
		return directory.stat ?? this.#look(directory);
	}

	/** An entry was made, moved or removed in it: how it is now. */
	changed(ref: FileRef): Or<Stat> | null {
		const directory = this.#open.get(ref);
		return directory === undefined ? null : this.#look(directory);
	}

	/** Its own attributes were changed, or it was read. */
	touched(ref: FileRef): void {
		const directory = this.#open.get(ref);
		if (directory !== undefined) directory.stat = null;
	}

	#look(directory: OpenDirectory): Or<Stat> {
		const stat = this.#tree.system.stat(directory.fd, "");
		directory.stat = typeof stat === "number" ? null : stat;
		return stat;
	}

	/** It is gone, or the kernel has forgotten it. */
	letGo(ref: FileRef): void {
		const directory = this.#open.get(ref);
		if (directory === undefined) return;
		this.#open.delete(ref);
		this.#last = null;
		this.#tree.system.close(directory.fd);
	}

	close(): void {
		for (const ref of [...this.#open.keys()]) this.letGo(ref);
	}

	#find(ref: FileRef): number {
		const known = this.#open.get(ref);
		const fd = known?.fd ?? this.#tree.open(ref, open.RDONLY | this.#tree.system.flags.DIRECTORY);
		if (fd < 0) return fd;
		this.#open.delete(ref);
		this.#open.set(ref, known ?? { fd, stat: null });
		this.#last = ref;
		this.#lastFd = fd;
		if (this.#open.size > maxOpen) {
			for (const oldest of this.#open.keys()) {
				this.#tree.system.close(this.#open.get(oldest)!.fd);
				this.#open.delete(oldest);
				break;
			}
		}
		return fd;
	}
}
