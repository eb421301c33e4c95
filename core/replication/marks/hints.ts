/** In which directory a file was seen last, for some of the files: a mark that says so is found without a walk. */
import type { FileRef } from "../operation.ts";

const slots = 65_536;

export class Hints {
	readonly #files = new BigUint64Array(slots);
	readonly #directories = new BigUint64Array(slots);

	set(file: FileRef, directory: FileRef): void {
		const slot = slotOf(file);
		this.#files[slot] = file;
		this.#directories[slot] = directory;
	}

	/** 0n when it is not known. */
	get(file: FileRef): FileRef {
		const slot = slotOf(file);
		return this.#files[slot] === file ? this.#directories[slot]! : 0n;
	}
}

/** Inodes of files made one after the other lie side by side. */
function slotOf(file: FileRef): number {
	return Number(BigInt.asUintN(16, file));
}
