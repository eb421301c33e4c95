/** The marks of one tree in memory, kept by the rules of replication.md §5.4. */
import { isDirectory as isDirectoryMode, type Tree } from "../../core/replication/local/tree.ts";
import { chunkBytes, isYoung, type MarkList } from "../../core/replication/marks/mark.ts";
import type { Difference } from "../../core/replication/marks/marks.ts";
import type { FileId, FileRef } from "../../core/replication/operation.ts";

interface Marked {
	hint: FileRef;
	whole: boolean;
	attributes: boolean;
	chunks: Set<number>;
}

export class TestMarks {
	readonly #tree: Tree;
	readonly #files = new Map<FileRef, Marked>();
	readonly #directories = new Map<FileRef, FileId | null>();
	readonly #below = new Set<FileRef>();
	everything = false;
	byName = false;
	/** Marks are not kept: what a test must notice. */
	off = false;

	constructor(tree: Tree) {
		this.#tree = tree;
	}

	list(): MarkList {
		return {
			everything: this.everything,
			files: [...this.#files].map(([file, mark]) => ({
				...{ file, hint: mark.hint, whole: mark.whole, attributes: mark.attributes },
				chunks: [...mark.chunks].sort((a, b) => a - b),
			})),
			directories: [...this.#directories].map(([directory, since]) => ({
				...{ directory, since },
				subtree: this.#below.has(directory),
			})),
		};
	}

	found(what: Difference): void {
		if ("directory" in what) {
			this.#directories.set(what.directory, null);
			if (what.whole === "below") this.#below.add(what.directory);
		} else this.whole(what.file, what.hint);
	}

	written(done: () => void): void {
		this.later(done);
	}

	later: (run: () => void) => void = (run) => run();

	/** The changes here are made by hand, which marks them by hand. */
	made(): void {}

	/** The copy was made by hand: what moves counts as different, with all that is below it. */
	moved(file: FileRef, from: FileRef, to: FileRef, isDirectory: boolean): void {
		if (this.off) return;
		if (!isDirectory && (this.byName || this.#isYoung(file, from))) this.whole(file, to);
		else if (isDirectory && this.byName) this.found({ directory: file, whole: "below" });
	}

	/** Its other name may lie in a directory whose mark covers it. */
	linked(file: FileRef, hint: FileRef): void {
		const young = [...this.#directories.keys()].some((directory) => this.#isYoung(file, directory));
		if (this.byName || young) this.whole(file, hint);
	}

	clear(): void {
		this.#files.clear();
		this.#directories.clear();
		this.#below.clear();
	}

	/** @param made the id of a file that is made in it. */
	entries(directory: FileRef, made: FileId): void {
		if (!this.off && !this.#directories.has(directory)) this.#directories.set(directory, made);
	}

	content(file: FileRef, hint: FileRef, from: number, to: number): void {
		if (this.#isYoung(file, hint)) return;
		const mark = this.#of(file, hint);
		for (let chunk = Math.floor(from / chunkBytes); chunk * chunkBytes < to; chunk++) mark?.chunks.add(chunk);
	}

	attributes(file: FileRef, hint: FileRef): void {
		if (this.#isYoung(file, hint)) return;
		const mark = this.#of(file, hint);
		if (mark !== null) mark.attributes = true;
	}

	whole(file: FileRef, hint: FileRef): void {
		const mark = this.#of(file, hint);
		if (mark !== null) mark.whole = true;
	}

	/** The mark of its directory covers it: a change of it needs no mark of its own. */
	#isYoung(file: FileRef, directory: FileRef): boolean {
		const since = this.#directories.get(directory);
		if (since === undefined) return false;
		const [id, stat] = [this.#tree.idOf(file), this.#tree.stat(file)];
		// A directory has a mark of its own from the beginning.
		return typeof id === "string" && typeof stat !== "number" && !isDirectoryMode(stat.mode) && isYoung(id, since);
	}

	#of(file: FileRef, hint: FileRef): Marked | null {
		if (this.off || typeof this.#tree.stat(file) === "number") return null;
		const known = this.#files.get(file) ?? { hint, whole: false, attributes: false, chunks: new Set<number>() };
		this.#files.set(file, known);
		return known;
	}
}
