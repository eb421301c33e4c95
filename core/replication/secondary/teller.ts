/**
 * Tells the source what may differ on this side (replication.md §5.8 step 1): this node's own marks as paths with ids,
 * in messages of bounded size.
 */
import type { Volume } from "../control/context.ts";
import { Finder } from "../local/finder.ts";
import { pathOf } from "../local/pathOf.ts";
import type { FileMark, MarkList } from "../marks/mark.ts";
import type { FileRef } from "../operation.ts";
import { rangesOf } from "../resync/theirMarks.ts";
import { maxTold, maxToldRanges, type ToldMark, toldBytes } from "../wire/markMessages.ts";

const messageBytes = 512 * 1024;
/** Steps of a search in one slice. */
const searchSteps = 20;

export class Teller {
	readonly #volume: Volume;
	#marks: MarkList | null = null;

	constructor(volume: Volume) {
		this.#volume = volume;
	}

	/** In slices; `give` is called at least once. @param indexes only these, where they are now; empty: all. */
	*tell(indexes: number[], give: (marks: ToldMark[], last: boolean, everything: boolean) => void): Generator<void> {
		this.#marks ??= this.#volume.marks.list();
		const { everything, directories, files } = this.#marks;
		if (everything) {
			give([], true, true);
			return;
		}
		const asked = indexes.length > 0 ? indexes : [...Array(directories.length + files.length).keys()];
		yield* this.#search(asked.flatMap((index) => files[index - directories.length] ?? []));
		let batch: ToldMark[] = [];
		let bytes = 0;
		for (const index of asked) {
			const told = this.#told(index);
			if (told === null) continue;
			if (batch.length === maxTold || bytes + toldBytes(told) > messageBytes) {
				give(batch, false, false);
				batch = [];
				bytes = 0;
				yield;
			}
			batch.push(told);
			bytes += toldBytes(told);
		}
		give(batch, true, false);
	}

	/** Names of the marked files, by the directories that the marks hint at; the places are remembered. */
	*#search(files: FileMark[]): Generator<void> {
		const { tree, names } = this.#volume;
		const finder = new Finder(tree, false, (file, parent, name) => names.note(file, parent, name));
		// What is gone has no name: it must not cost a walk over all of them.
		for (const { file, hint } of files) if (typeof tree.stat(file) !== "number") finder.want(file, hint);
		for (let step = 1; finder.step(); step++) if (step % searchSteps === 0) yield;
	}

	#told(index: number): ToldMark | null {
		const { directories, files } = this.#marks!;
		const directory = directories[index];
		if (directory !== undefined) {
			const { since, subtree } = directory;
			const what = { is: "directory", all: since === null, since: since ?? "", subtree } as const;
			return this.#placed(index, directory.directory, what);
		}
		const mark = files[index - directories.length];
		if (mark === undefined) return null;
		const ranges = rangesOf(mark.chunks);
		const many = ranges.length > maxToldRanges;
		const whole = mark.whole || many;
		return this.#placed(index, mark.file, {
			is: "file",
			whole,
			attributes: mark.attributes,
			ranges: many ? [] : ranges,
		});
	}

	#placed(index: number, ref: FileRef, what: ToldMark["what"]): ToldMark {
		const path = pathOf(this.#volume, ref);
		const id = this.#volume.tree.idOf(ref);
		if (path === null || typeof id === "number")
			return { index, path: [], id: typeof id === "string" ? id : "", lost: true, what };
		return { index, path, id: id ?? "", lost: false, what };
	}
}
