/** What a worker has of one of the two trees, and what a kind of operation is. */
import { open } from "../../../core/replication/errno.ts";
import { calls } from "./calls.ts";
import type { Choices } from "./random.ts";

export type Result = number | string;

export class Side {
	/** The directory that names are relative to. */
	readonly root: number;
	/** Open files, by place; the same places are filled on both sides. */
	readonly files: (number | null)[] = new Array(slots).fill(null);
	/** Opened with O_DIRECT: only aligned reads and writes are the same on a disk and through FUSE, which knows no alignment. */
	readonly direct: boolean[] = new Array(slots).fill(false);

	constructor(root: number) {
		this.root = root;
	}

	/** `closed` when nothing is open in this place. */
	onOpen(slot: number, use: (fd: number) => Result): Result {
		const fd = this.files[slot];
		return fd === null || fd === undefined ? "closed" : use(fd);
	}

	opened(slot: number, fd: number, direct = false): Result {
		this.close(slot);
		this.direct[slot] = direct;
		this.files[slot] = fd < 0 ? null : fd;
		return fd < 0 ? fd : "opened";
	}

	open(slot: number, name: Buffer, flags: number, mode = 0): Result {
		// Never waits for the other end of a pipe.
		return this.opened(
			slot,
			calls.openat(this.root, name, flags | open.NONBLOCK | open.CLOEXEC, mode),
			(flags & calls.flags.DIRECT) !== 0,
		);
	}

	close(slot: number): Result {
		return this.onOpen(slot, (fd) => {
			this.files[slot] = null;
			return calls.close(fd);
		});
	}
}

export const slots = 8;

export interface Action {
	text?: string;
	run: (side: Side) => Result;
}

export interface Kind {
	name: string;
	weight?: number;
	choose: (choices: Choices) => Action;
}

export interface Step extends Action {
	kind: string;
}

const bytes = (...values: number[]) => Buffer.from(values);
const text = ["a", "b", "c", "d/a", "d/b", "e/a", "e/b", "d/e/a", "e/d/b", "x y", "é", "d/.x"];
const folders: readonly Buffer[] = ["d", "e", "d/e", "e/d"].map((name) => Buffer.from(name));
const names: readonly Buffer[] = [
	...text.map((name) => Buffer.from(name)),
	bytes(0xff, 0xfe, 0x80),
	Buffer.alloc(255, "n"),
	Buffer.from(`d/${"m".repeat(255)}`),
];
const wrong: readonly Buffer[] = [
	Buffer.alloc(256, "n"),
	Buffer.from("a/"),
	Buffer.from("d/."),
	Buffer.from("d/.."),
	Buffer.from(`${"./".repeat(2040)}a`),
	Buffer.from(`${"./".repeat(2048)}a`),
	Buffer.from("missing/a"),
	Buffer.from("a/b"),
	Buffer.from(""),
];

/** A name; one in 25 is too long, a path through a file, or otherwise odd, one in 12 mostly is a directory's. */
export function nameOf(choices: Choices): Buffer {
	if (choices.below(25) === 0) return choices.of(wrong);
	return choices.below(12) === 0 ? choices.of(folders) : choices.of(names);
}

/** A name that is mostly one of a directory. */
export function folderOf(choices: Choices): Buffer {
	return choices.below(4) === 0 ? nameOf(choices) : choices.of(folders);
}

/** Files whose holes are compared: no kind but those of contentKinds touches them. */
export const sparseNames: readonly Buffer[] = ["h0", "h1", "h2"].map((name) => Buffer.from(name));

export const shown = (name: Buffer): string =>
	name.length > 40 ? `${name.length} bytes` : JSON.stringify(name.toString());
export const isErrno = (result: Result): result is number => typeof result === "number" && result < 0;
