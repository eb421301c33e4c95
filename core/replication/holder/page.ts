/**
 * What the server of one mount would take with it when it dies (replication.md §5.9): shared memory that the holder
 * keeps. A header says what it belongs to; two tables hold the intents (fuse/intents.ts) and the open files
 * (fuse/handles.ts). Written with plain stores: what a killed process has stored is there.
 */
import { SafekitError } from "../../errors.ts";
import { errnoName } from "../errno.ts";
import type { System } from "../system.ts";

/** What a page and its descriptors belong to. */
export interface Belongs {
	module: string;
	/** The replicated directory as configured. */
	dir: string;
	/** Where it is mounted, and the number of the mounted file system in the mount table. */
	target: string;
	device: string;
}

export const intentBytes = 64;
export const handleBytes = 32;
/** Requests that are carried out and not answered: more than can be parked. */
export const maxIntents = 16_384;
/** Open files and directories of one mount; the limit of descriptors is lower. */
export const maxHandles = 65_536;
const headerBytes = 4096;
const pageBytes = headerBytes + maxIntents * intentBytes + maxHandles * handleBytes;
const [magicAt, flagsAt, lengthAt, textAt] = [0, 8, 12, 16];
const magic = Buffer.from("OPSAFE\x001", "latin1");

/** The changes of this server are the application's; and: something that was acknowledged may be missing here. */
export const pageFlag = { WRITABLE: 1, DAMAGED: 2 } as const;

export class Page {
	readonly fd: number;
	/** Words of the intents, 8 for each. */
	readonly intents: BigUint64Array;
	/** Words of the open files, 4 for each. */
	readonly handles: BigUint64Array;
	readonly #header: Buffer;

	/** Maps memory that `make` made, here or in a process that is gone. @throws SafekitError REPLICATION_HOLDER. */
	constructor(system: System, fd: number) {
		const memory = fd < 0 ? fd : system.map(fd, pageBytes);
		if (typeof memory === "number") {
			throw new SafekitError("REPLICATION_HOLDER", `the memory of a mount cannot be mapped: ${errnoName(memory)}`);
		}
		this.fd = fd;
		this.#header = Buffer.from(memory, 0, headerBytes);
		this.intents = new BigUint64Array(memory, headerBytes, (maxIntents * intentBytes) / 8);
		this.handles = new BigUint64Array(memory, headerBytes + maxIntents * intentBytes, (maxHandles * handleBytes) / 8);
	}

	/** New memory, all zeros. @throws SafekitError REPLICATION_HOLDER. */
	static make(system: System): Page {
		return new Page(system, system.memory("opensafe", pageBytes));
	}

	/** null before `belongTo`, and for memory that is something else. */
	get belongs(): Belongs | null {
		const length = this.#header.readUInt32LE(lengthAt);
		if (!this.#header.subarray(magicAt, magicAt + 8).equals(magic) || length > headerBytes - textAt) return null;
		return JSON.parse(this.#header.toString("utf8", textAt, textAt + length)) as Belongs;
	}

	/** From now on a new process may go on with it: the mount is there. */
	belongTo(what: Belongs): void {
		const text = Buffer.from(JSON.stringify(what));
		if (text.length > headerBytes - textAt) {
			throw new SafekitError("REPLICATION_HOLDER", `the path of the directory is too long: ${what.dir.slice(0, 80)}…`);
		}
		text.copy(this.#header, textAt);
		this.#header.writeUInt32LE(text.length, lengthAt);
		magic.copy(this.#header, magicAt);
	}

	has(flag: number): boolean {
		return (this.#header.readUInt32LE(flagsAt) & flag) !== 0;
	}

	set(flag: number, on: boolean): void {
		const flags = this.#header.readUInt32LE(flagsAt);
		this.#header.writeUInt32LE(on ? flags | flag : flags & ~flag, flagsAt);
	}
}
