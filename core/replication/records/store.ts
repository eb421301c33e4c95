/**
 * The file of durable state: two blocks, written in turn, so that a power cut during a write leaves the older one.
 * Preallocated with zeros when it is created: a full disk cannot stop a record (replication.md §5.3).
 */
import { SafekitError } from "../../errors.ts";
import { errnoName, open } from "../errno.ts";
import type { FileCalls } from "../system.ts";
import { type Block, blockBytes, decodeBlock, encodeBlock, isBlank, maxPayload } from "./block.ts";

export class RecordFile {
	readonly #system: FileCalls;
	readonly #fd: number;
	/** The file was opened without O_DIRECT|O_DSYNC, which this file system refuses: every write is followed by fsync. */
	readonly #needsSync: boolean;
	readonly #buffer: Buffer;
	#newest: Block | null = null;
	#slot = 0;

	/**
	 * Opens or creates the file `name` in the directory `dirfd` and reads the newest intact block.
	 * @throws SafekitError REPLICATION_RECORDS when the file holds something, but no intact block; REPLICATION_DISK.
	 */
	constructor(system: FileCalls, dirfd: number, name: string) {
		this.#system = system;
		const flags = open.RDWR | open.CLOEXEC | system.flags.NOFOLLOW;
		const plain = this.#must(system.openat(dirfd, name, flags | open.CREAT, 0o600), "open");
		this.#allocate(plain, dirfd);
		const direct = system.openat(dirfd, name, flags | system.flags.DIRECT | open.DSYNC);
		const aligned = direct < 0 ? null : alignedBuffer(system, direct);
		this.#needsSync = aligned === null;
		this.#fd = aligned === null ? plain : direct;
		this.#buffer = aligned ?? Buffer.alloc(blockBytes);
		if (aligned !== null) system.close(plain);
		else if (direct >= 0) system.close(direct);
		this.#load(name);
	}

	get newest(): Buffer | null {
		return this.#newest?.payload ?? null;
	}

	/** Durable when it returns: both the older block and this one are then intact. */
	write(payload: Buffer): void {
		if (payload.length > maxPayload) throw new SafekitError("INTERNAL", `a record of ${payload.length} bytes`);
		const block = { counter: (this.#newest?.counter ?? 0) + 1, payload };
		const slot = this.#newest === null ? 0 : 1 - this.#slot;
		encodeBlock(block, this.#buffer);
		const written = this.#must(this.#system.pwrite(this.#fd, this.#buffer, slot * blockBytes), "write");
		if (written !== blockBytes) this.#must(-28, "write");
		if (this.#needsSync) this.#must(this.#system.fsync(this.#fd), "sync");
		this.#newest = block;
		this.#slot = slot;
	}

	close(): void {
		this.#system.close(this.#fd);
	}

	/** A new file gets its two blocks, and its name becomes durable before anything relies on it. */
	#allocate(fd: number, dirfd: number): void {
		const stat = this.#system.stat(fd, "");
		if (typeof stat !== "number" && stat.size >= 2 * blockBytes) return;
		this.#must(this.#system.pwrite(fd, Buffer.alloc(2 * blockBytes), 0), "preallocate");
		this.#must(this.#system.fsync(fd), "sync");
		this.#must(this.#system.fsync(dirfd), "sync");
	}

	#load(name: string): void {
		let blank = true;
		for (const slot of [0, 1]) {
			const read = this.#must(this.#system.pread(this.#fd, this.#buffer, slot * blockBytes), "read");
			if (read !== blockBytes) this.#must(-5, "read");
			blank &&= isBlank(this.#buffer);
			const block = decodeBlock(this.#buffer);
			if (block === null || block.counter <= (this.#newest?.counter ?? 0)) continue;
			this.#newest = block;
			this.#slot = slot;
		}
		if (this.#newest === null && !blank)
			throw new SafekitError(
				"REPLICATION_RECORDS",
				`.opensafe/${name} holds no intact record: both copies are damaged`,
			);
	}

	#must(result: number, what: string): number {
		if (result >= 0) return result;
		throw new SafekitError("REPLICATION_DISK", `cannot ${what} the replication records: ${errnoName(result)}`);
	}
}

/** Memory where O_DIRECT accepts it, found by trying: a piece of a larger buffer. null: not on this file system. */
export function alignedBuffer(system: FileCalls, fd: number, bytes = blockBytes): Buffer | null {
	const memory = Buffer.alloc(bytes + blockBytes);
	for (let at = 0; at < blockBytes; at += 8) {
		const piece = memory.subarray(at, at + bytes);
		if (system.pread(fd, piece, 0) === bytes) return piece;
	}
	return null;
}
