/**
 * Which of the files that the kernel knows are not replicated. Such a file is found by its name or by the directory
 * it is in; since the kernel only knows what it has looked up through this mount, the set is complete.
 */

import type { Exclusion } from "../local/exclusion.ts";
import { isDirectory, type Tree } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";

/** More lookups than the kernel ever takes back. */
const always = 1n << 62n;

export class Locals {
	readonly #tree: Tree;
	readonly #exclusion: Exclusion;
	readonly #none: boolean;
	/** How often the kernel has looked each up: FORGET takes it back. */
	readonly #lookups = new Map<FileRef, bigint>();

	constructor(tree: Tree, exclusion: Exclusion) {
		this.#tree = tree;
		this.#exclusion = exclusion;
		this.#none = exclusion.empty;
	}

	has(ref: FileRef): boolean {
		return !this.#none && this.#lookups.has(ref);
	}

	/** Whether a name in this directory is outside of the replication. */
	isLocalName(parent: FileRef, name: Buffer, isDirectory: boolean): boolean {
		if (this.#none) return false;
		return this.has(parent) || this.#exclusion.excludesIn(this.#tree, parent, name, isDirectory);
	}

	/** The kernel was given `ref` as the answer to a lookup of this name. */
	lookedUp(parent: FileRef, name: Buffer, ref: FileRef, isDirectory: boolean): void {
		if (this.#none) return;
		if (this.isLocalName(parent, name, isDirectory)) this.#lookups.set(ref, (this.#lookups.get(ref) ?? 0n) + 1n);
		else this.#lookups.delete(ref);
	}

	/** A file without a name was made for a caller in this directory. */
	madeUnnamed(directory: FileRef, ref: FileRef): void {
		if (this.has(directory)) this.#lookups.set(ref, (this.#lookups.get(ref) ?? 0n) + 1n);
	}

	/**
	 * After the death of the process that knew: everything that is not replicated by its name counts as looked up. A
	 * file without a name has an id if it is replicated. −errno when the tree cannot be read.
	 */
	adopt(nameless: Iterable<FileRef>): number {
		if (this.#none) return 0;
		for (const ref of nameless) if (this.#tree.idOf(ref) === null) this.#lookups.set(ref, always);
		const left: { ref: FileRef; local: boolean }[] = [{ ref: this.#tree.rootRef, local: false }];
		for (let next = left.pop(); next !== undefined; next = left.pop()) {
			const { ref, local } = next;
			const entries = this.#tree.list(ref);
			if (typeof entries === "number") return entries;
			for (const { name } of entries) {
				const [found, stat] = [
					this.#tree.with(ref, (fd) => this.#tree.refAt(fd, name)),
					this.#tree.with(ref, (fd) => this.#tree.system.stat(fd, name)),
				];
				if (typeof found === "number" || typeof stat === "number") continue;
				const inside = local || this.#exclusion.excludesIn(this.#tree, ref, name, isDirectory(stat.mode));
				if (inside) this.#lookups.set(found, always);
				if (isDirectory(stat.mode)) left.push({ ref: found, local: inside });
			}
		}
		return 0;
	}

	forget(ref: FileRef, count: bigint): void {
		const left = this.#none ? undefined : this.#lookups.get(ref);
		if (left === undefined) return;
		if (left > count) this.#lookups.set(ref, left - count);
		else this.#lookups.delete(ref);
	}

	/** Renaming this directory would move the boundary of a path rule. */
	isBoundary(ref: FileRef): boolean {
		return !this.#none && this.#exclusion.passesThrough(this.#tree, ref);
	}
}
