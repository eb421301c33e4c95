/** Directories kept open while names are looked up and changed in them; the least used are closed. */
import { open } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Or } from "../system.ts";
import type { Tree } from "./tree.ts";

/** Far more than one request uses. */
const maxOpen = 64;

export class Directories {
	readonly #tree: Tree;
	/** In the order of their last use. */
	readonly #open = new Map<FileRef, number>();
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

	/** It is gone, or the kernel has forgotten it. */
	letGo(ref: FileRef): void {
		const fd = this.#open.get(ref);
		if (fd === undefined) return;
		this.#open.delete(ref);
		this.#last = null;
		this.#tree.system.close(fd);
	}

	close(): void {
		for (const ref of [...this.#open.keys()]) this.letGo(ref);
	}

	#find(ref: FileRef): number {
		const known = this.#open.get(ref);
		const fd = known ?? this.#tree.open(ref, open.RDONLY | this.#tree.system.flags.DIRECTORY);
		if (fd < 0) return fd;
		this.#open.delete(ref);
		this.#open.set(ref, fd);
		this.#last = ref;
		this.#lastFd = fd;
		if (this.#open.size > maxOpen) {
			for (const oldest of this.#open.keys()) {
				this.#tree.system.close(this.#open.get(oldest)!);
				this.#open.delete(oldest);
				break;
			}
		}
		return fd;
	}
}
