/** The marks file of one volume: read at start, then written by a thread of its own, one write after the other. */
import { SafekitError } from "../../errors.ts";
import { errnoName, open } from "../errno.ts";
import { blockBytes } from "../records/block.ts";
import type { FileCalls } from "../system.ts";
import { areaBlocks, batchBlocks, batchOf, fileBytes, headOf, loadAreas, type Position, packEntries } from "./areas.ts";
import type { Entry } from "./entries.ts";

/** Runs a write in a syncer thread; `done` gets 0 or −errno. Bytes are durable then. */
export type DurableWrite = (fd: number, bytes: Uint8Array, offset: number, done: (result: number) => void) => void;

const readBytes = 256 * blockBytes;
const snapshotAt = areaBlocks / 2;

export class MarkFile {
	readonly #system: FileCalls;
	readonly #fd: number;
	readonly #write: DurableWrite;
	/** What it said at start; null: nothing is known. */
	readonly loaded: Entry[] | null;
	/** It was made now. */
	readonly fresh: boolean;
	#at: Position;
	/** Nothing was written yet: the first write is of everything, into the other area. */
	#begun = false;

	/** Opens or makes `name` in the directory. @throws SafekitError REPLICATION_DISK. */
	constructor(system: FileCalls, dirfd: number, name: string, write: DurableWrite) {
		this.#system = system;
		this.#write = write;
		const flags = open.RDWR | open.CLOEXEC | system.flags.NOFOLLOW;
		const plain = must(system.openat(dirfd, name, flags | open.CREAT, 0o600), "open");
		this.#allocate(plain, dirfd);
		const { entries, fresh, generation, area } = loadAreas(reader(system, plain));
		this.loaded = entries;
		this.fresh = fresh;
		this.#at = { area, generation, next: areaBlocks };
		const direct = system.openat(dirfd, name, flags | system.flags.DIRECT | open.DSYNC);
		const durable = direct >= 0 ? direct : must(system.openat(dirfd, name, flags | open.DSYNC), "open");
		system.close(plain);
		this.#fd = durable;
	}

	close(): void {
		this.#system.close(this.#fd);
	}

	/** The next write should be of everything: the area is half full, or nothing was written yet. */
	get wantsAll(): boolean {
		return !this.#begun || this.#at.next >= snapshotAt;
	}

	/** Room for so many entries behind what is there; false: everything must be written anew. */
	fits(entries: readonly Entry[]): boolean {
		return this.#begun && packEntries(entries).length <= Math.min(batchBlocks, areaBlocks - this.#at.next);
	}

	/** Writes behind what is there; the caller has asked `fits`. One write at a time. */
	append(entries: readonly Entry[], done: (result: number) => void): void {
		const payloads = packEntries(entries);
		const { area, generation, next } = this.#at;
		this.#put(batchOf(payloads, generation, next), area, next, (result) => {
			if (result >= 0) this.#at.next += payloads.length;
			done(result);
		});
	}

	/** Writes all marks into the other area and goes on there. One write at a time. */
	replace(entries: readonly Entry[], done: (result: number) => void): void {
		const payloads = packEntries(entries);
		if (payloads.length >= areaBlocks) throw new SafekitError("INTERNAL", `${entries.length} marks in one area`);
		const old = this.#at;
		const area = old.area === 0 ? 1 : 0;
		const generation = old.generation + 1;
		const blocks = batchOf(payloads, generation, 1);
		const steps: ((then: (result: number) => void) => void)[] = [];
		for (let at = 0; at < payloads.length; at += batchBlocks) {
			const part = blocks.subarray(at * blockBytes, (at + batchBlocks) * blockBytes);
			steps.push((then) => this.#put(part, area, 1 + at, then));
		}
		steps.push((then) => this.#put(headOf(generation, payloads.length), area, 0, then));
		// From here on the old one must not be taken for the newest, whatever becomes of the new one.
		steps.push((then) => this.#put(headOf(old.generation, 0, true), old.area, 0, then));
		inTurn(steps, (result) => {
			if (result >= 0) {
				this.#at = { area, generation, next: 1 + payloads.length };
				this.#begun = true;
			}
			done(result);
		});
	}

	#put(bytes: Buffer, area: number, block: number, done: (result: number) => void): void {
		this.#write(this.#fd, bytes, (area * areaBlocks + block) * blockBytes, done);
	}

	/** Its name and size are durable before anything relies on them. */
	#allocate(fd: number, dirfd: number): void {
		const stat = this.#system.stat(fd, "");
		if (typeof stat !== "number" && stat.size === fileBytes) return;
		must(this.#system.ftruncate(fd, 0), "make");
		const zeros = Buffer.alloc(readBytes);
		for (let at = 0; at < fileBytes; at += zeros.length) {
			if (must(this.#system.pwrite(fd, zeros, at), "preallocate") !== zeros.length) must(-28, "preallocate");
		}
		must(this.#system.fsync(fd), "sync");
		must(this.#system.fsync(dirfd), "sync");
	}
}

function reader(system: FileCalls, fd: number): (block: number) => Buffer | null {
	const buffer = Buffer.alloc(readBytes);
	const perRead = readBytes / blockBytes;
	let [from, got] = [-1, 0];
	return (block) => {
		const start = block - (block % perRead);
		if (start !== from) {
			from = start;
			got = system.pread(fd, buffer, start * blockBytes);
		}
		const at = (block - start) * blockBytes;
		return at + blockBytes <= got ? buffer.subarray(at, at + blockBytes) : null;
	};
}

function inTurn(steps: ((then: (result: number) => void) => void)[], done: (result: number) => void): void {
	const next = (result: number): void => {
		const step = steps.shift();
		if (result < 0 || step === undefined) done(result);
		else step(next);
	};
	next(0);
}

function must(result: number, what: string): number {
	if (result >= 0) return result;
	throw new SafekitError("REPLICATION_DISK", `cannot ${what} the marks: ${errnoName(result)}`);
}
