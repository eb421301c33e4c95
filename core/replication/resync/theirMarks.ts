/**
 * What may differ on the target's side, in this side's references (replication.md §5.8 step 1). The target tells
 * paths and ids. Where its path leads to another file here, names differ, which marks of directories name; the mark
 * itself waits until its file is met by its id, or until all names are equal and the target is asked once more.
 */
import { SafekitError } from "../../errors.ts";
import { chunkBytes } from "../marks/mark.ts";
import type { FileId, FileRef } from "../operation.ts";
import type { ToldMark } from "../wire/markMessages.ts";
import { type Message, maxAskedMarks } from "../wire/messages.ts";
import type { FileWork } from "./fileWork.ts";
import type { Scope } from "./scope.ts";

const chunkSize = BigInt(chunkBytes);
/** Live changes may move a file while it is asked about. */
const mostRounds = 50;

export class TheirMarks {
	readonly #scope: Scope;
	readonly #unmet = new Map<FileId, ToldMark[]>();
	#asked = false;
	#rounds = 0;
	#request = 0;

	constructor(scope: Scope) {
		this.#scope = scope;
		this.#ask([]);
	}

	/** All marks are known and met. */
	get settled(): boolean {
		return !this.#asked && this.#unmet.size === 0;
	}

	/** True: the target knows nothing; everything must be compared. */
	told(message: Extract<Message, { is: "marks" }>): boolean {
		if (message.request !== this.#request) return false;
		if (message.everything) {
			this.#asked = false;
			this.#unmet.clear();
			return true;
		}
		for (const mark of message.marks) {
			if (!mark.lost) this.#meet(mark);
			// In its limbo, left by a copy that was interrupted: it may be brought from there.
			else if (this.#rounds === 0) this.#keep(mark);
		}
		if (message.last) {
			this.#asked = false;
			this.#scope.ready = true;
		}
		return false;
	}

	/** All names that are known to differ are equal now: where is what was not found? */
	askAgain(): void {
		if (this.#asked) return;
		if (++this.#rounds > mostRounds)
			throw new SafekitError("REPLICATION_LIMIT", "what the other server has changed cannot be found here");
		const again: number[] = [];
		for (const [id, marks] of this.#unmet) {
			if (again.length + marks.length > maxAskedMarks) break;
			again.push(...marks.map((mark) => mark.index));
			this.#unmet.delete(id);
		}
		this.#ask(again);
	}

	/** The file with this id was met. True: the target has marks of it, so it is pending. */
	claim(id: FileId, ref: FileRef): boolean {
		const marks = this.#unmet.get(id);
		if (id === "" || marks === undefined) return false;
		this.#unmet.delete(id);
		for (const mark of marks) this.#apply(mark, ref);
		return true;
	}

	#ask(indexes: number[]): void {
		this.#asked = true;
		this.#scope.send({ is: "tellMarks", request: ++this.#request, dir: this.#scope.volume.index, indexes });
	}

	#meet(mark: ToldMark): void {
		const { tree } = this.#scope.volume;
		let ref: FileRef | number = tree.rootRef;
		for (const name of mark.path) {
			const directory: FileRef = ref;
			ref = tree.with<FileRef>(directory, (fd) => tree.refAt(fd, name));
			if (typeof ref === "number") break;
		}
		const adopts = this.#scope.adopting && mark.id === "";
		if (typeof ref === "bigint" && (adopts || (tree.idOf(ref) || "") === mark.id)) this.#apply(mark, ref);
		else this.#keep(mark);
	}

	/** A file without an id was made by hand: the names of its directory differ, so it is met by that mark. */
	#keep(mark: ToldMark): void {
		const { what } = mark;
		if (what.is === "directory") this.#scope.covered.unmet({ ...what, since: this.#sinceOf(what.since) });
		if (mark.id !== "") this.#unmet.set(mark.id, [...(this.#unmet.get(mark.id) ?? []), mark]);
	}

	/** In a copy made by hand no file has an id that says how old it is: each one that is new was marked itself. */
	#sinceOf(since: FileId): FileId[] {
		return since === "" || this.#scope.adopting ? [] : [since];
	}

	#apply({ what }: ToldMark, ref: FileRef): void {
		if (what.is === "directory") {
			this.#scope.pendDirectory(ref, { all: what.all, since: this.#sinceOf(what.since), subtree: what.subtree });
		} else {
			this.#scope.pendFile(ref, (work) => {
				if (what.whole) work.addAll();
				work.attributes ||= what.attributes;
				for (const { from, to } of what.ranges) work.add(from, to);
			});
		}
	}
}

/** A mark of a file of this side's own, as work. */
export function addMark(
	work: FileWork,
	mark: { whole: boolean; attributes: boolean; chunks: readonly number[] },
): void {
	if (mark.whole) work.addAll();
	work.attributes ||= mark.attributes;
	for (const { from, to } of rangesOf(mark.chunks)) work.add(from, to);
}

/** Neighbouring chunks as one range. */
export function rangesOf(chunks: readonly number[]): { from: bigint; to: bigint }[] {
	const ranges: { from: bigint; to: bigint }[] = [];
	for (const chunk of chunks) {
		const from = BigInt(chunk) * chunkSize;
		const last = ranges.at(-1);
		if (last?.to === from) last.to += chunkSize;
		else ranges.push({ from, to: from + chunkSize });
	}
	return ranges;
}
