/**
 * A set of files of one file system, a bit for each inode number: 10,000,000 files take 1.3 MB where their numbers
 * are dense, as ext4 gives them. A file that takes over the inode of a deleted one takes over its bit: whoever makes
 * files sets or clears it.
 */
import type { FileRef } from "../operation.ts";

/** Inode numbers of one page. */
const pageInodes = 32_768;

export class InodeSet {
	readonly #pages = new Map<number, Uint32Array>();

	has(ref: FileRef): boolean {
		const inode = inodeOf(ref);
		const page = this.#pages.get(Math.floor(inode / pageInodes));
		if (page === undefined) return false;
		const at = inode % pageInodes;
		return ((page[at >>> 5]! >>> (at & 31)) & 1) === 1;
	}

	add(ref: FileRef): void {
		const inode = inodeOf(ref);
		const key = Math.floor(inode / pageInodes);
		let page = this.#pages.get(key);
		if (page === undefined) {
			page = new Uint32Array(pageInodes / 32);
			this.#pages.set(key, page);
		}
		const at = inode % pageInodes;
		page[at >>> 5] = page[at >>> 5]! | (1 << (at & 31));
	}

	delete(ref: FileRef): void {
		const inode = inodeOf(ref);
		const page = this.#pages.get(Math.floor(inode / pageInodes));
		const at = inode % pageInodes;
		if (page !== undefined) page[at >>> 5] = page[at >>> 5]! & ~(1 << (at & 31));
	}
}

const inodeOf = (ref: FileRef): number => Number(ref & 0xffffffffn);
