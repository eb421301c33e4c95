/** Open files and directories of one mount: the handle numbers that the kernel knows, and how often each file is open. */
import type { FileRef } from "../operation.ts";
import type { DirectoryEntry } from "../system.ts";

export interface OpenFile {
	fd: number;
	ref: FileRef;
	directory: boolean;
	/** Opened past the page cache. */
	directIo: boolean;
	/** Opened with O_SYNC or O_DSYNC. */
	synced: boolean;
	/** Of a directory: entries that were read but did not fit, and the position that follows the last one handed out. */
	entries: DirectoryEntry[];
	position: bigint;
}

export class Handles {
	readonly #open = new Map<number, OpenFile>();
	readonly #counts = new Map<FileRef, number>();
	#last = 0;

	add(file: Pick<OpenFile, "fd" | "ref" | "directory" | "directIo" | "synced">): number {
		const handle = ++this.#last;
		this.#open.set(handle, { ...file, entries: [], position: 0n });
		if (!file.directory) this.#counts.set(file.ref, (this.#counts.get(file.ref) ?? 0) + 1);
		return handle;
	}

	get(handle: bigint): OpenFile | undefined {
		return this.#open.get(Number(handle));
	}

	/** Takes the handle out; the caller closes its descriptor. */
	remove(handle: bigint): OpenFile | undefined {
		const file = this.#open.get(Number(handle));
		if (file === undefined) return undefined;
		this.#open.delete(Number(handle));
		if (file.directory) return file;
		const count = (this.#counts.get(file.ref) ?? 1) - 1;
		if (count > 0) this.#counts.set(file.ref, count);
		else this.#counts.delete(file.ref);
		return file;
	}

	isOpen(ref: FileRef): boolean {
		return this.#counts.has(ref);
	}

	/** Files (not directories) that are open. */
	openRefs(): FileRef[] {
		return [...this.#counts.keys()];
	}

	all(): OpenFile[] {
		return [...this.#open.values()];
	}
}
