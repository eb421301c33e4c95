/**
 * Open files and directories of one mount: the handle numbers that the kernel knows, and how often each file is open.
 * Each is also written into memory that outlives this process (holder/page.ts), so that the next one can open it again
 * under its number. Slots have four words: request that opened it, file, flags, state.
 */
import { maxHandles, type Page } from "../holder/page.ts";
import type { FileRef } from "../operation.ts";
import type { DirectoryEntry } from "../system.ts";
import { firstNumber, isResent } from "./intents.ts";

export interface OpenFile {
	/** −errno when a file that was open before could not be opened again. */
	fd: number;
	ref: FileRef;
	/** As it was opened underneath. */
	flags: number;
	directory: boolean;
	/** Opened past the page cache. */
	directIo: boolean;
	/** Opened with O_SYNC or O_DSYNC. */
	synced: boolean;
	/** Of a directory: entries that were read but did not fit, and the position that follows the last one handed out. */
	entries: DirectoryEntry[];
	position: bigint;
}

type Opened = Pick<OpenFile, "fd" | "ref" | "flags" | "directory" | "directIo" | "synced">;

const words = 4;
const [uniqueAt, refAt, flagsAt, stateAt] = [0, 1, 2, 3];
const [free, used, directory, directIo, synced] = [0n, 1n, 2n, 4n, 8n];

export class Handles {
	readonly #page: BigUint64Array;
	readonly #open = new Map<number, OpenFile>();
	readonly #counts = new Map<FileRef, number>();
	/** Handles of the process before, by the request that opened them: its answer may not have been sent. */
	readonly #adopted = new Map<bigint, number>();
	readonly #free: number[] = [];
	#last = 0;

	constructor(page: Page) {
		this.#page = page.handles;
	}

	/** Opens again what the process before had open. */
	adopt(open: (ref: FileRef, flags: number, directory: boolean) => number): void {
		for (let handle = 1; handle <= maxHandles; handle++) {
			const at = (handle - 1) * words;
			const state = this.#page[at + stateAt]!;
			if (state === free) continue;
			for (this.#last++; this.#last < handle; this.#last++) this.#free.push(this.#last);
			const [ref, flags] = [this.#page[at + refAt]!, Number(this.#page[at + flagsAt]!)];
			const isDirectory = (state & directory) !== 0n;
			const fd = open(ref, flags, isDirectory);
			this.#adopted.set(this.#page[at + uniqueAt]!, handle);
			const how = { directIo: (state & directIo) !== 0n, synced: (state & synced) !== 0n };
			this.#put(handle, { fd, ref, flags, directory: isDirectory, ...how });
		}
	}

	/** The handle, or 0 when there are too many. @param unique of the request that opens. */
	add(file: Opened, unique: bigint): number {
		const again = isResent(unique) ? this.#adopted.get(firstNumber(unique)) : undefined;
		const before = again === undefined ? undefined : this.remove(BigInt(again));
		if (before !== undefined && this.#free.at(-1) === again) this.#free.pop();
		const handle = (before === undefined ? undefined : again) ?? this.#free.pop() ?? this.#last + 1;
		if (handle > maxHandles) return 0;
		this.#last = Math.max(this.#last, handle);
		const at = (handle - 1) * words;
		this.#page[at + uniqueAt] = firstNumber(unique);
		this.#page[at + refAt] = file.ref;
		this.#page[at + flagsAt] = BigInt(file.flags);
		const how = (file.directIo ? directIo : 0n) | (file.synced ? synced : 0n);
		this.#page[at + stateAt] = used | (file.directory ? directory : 0n) | how;
		this.#put(handle, file);
		return handle;
	}

	/** What a request that is sent again had opened. */
	openedBy(unique: bigint): { handle: number; file: OpenFile } | null {
		const handle = this.#adopted.get(firstNumber(unique));
		const file = handle === undefined ? undefined : this.#open.get(handle);
		return handle === undefined || file === undefined ? null : { handle, file };
	}

	#put(handle: number, file: Opened): void {
		this.#open.set(handle, { ...file, entries: [], position: 0n });
		if (!file.directory) this.#counts.set(file.ref, (this.#counts.get(file.ref) ?? 0) + 1);
	}

	get(handle: bigint): OpenFile | undefined {
		return this.#open.get(Number(handle));
	}

	/** Takes the handle out; the caller closes its descriptor. */
	remove(handle: bigint): OpenFile | undefined {
		const number = Number(handle);
		const file = this.#open.get(number);
		if (file === undefined) return undefined;
		this.#open.delete(number);
		this.#page[(number - 1) * words + stateAt] = free;
		this.#free.push(number);
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
