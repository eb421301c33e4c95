/**
 * The mark of a directory also speaks of what lies in it (replication.md §5.4): of young files, or of all that is
 * below. What leaves the directory before it was compared, on either side, takes that along: it is compared whole
 * wherever it is met.
 */
import { type as fileType } from "../errno.ts";
import { isDirectory } from "../local/tree.ts";
import type { FileId, FileRef } from "../operation.ts";
import type { ListedEntry } from "../wire/messages.ts";
import type { Scope } from "./scope.ts";
import { type DirectoryWork, isYoung, mergedWork } from "./young.ts";

/** More ids than this are not remembered: then everything that is met has left one. */
const mostIds = 1_000_000;
/** More pending directories than this are not looked through for one file. */
const fewDirectories = 1000;

export class Covered {
	readonly #scope: Scope;
	/** Of what has left a directory on the target. */
	readonly #ids = new Set<FileId>();
	/** What the target's marks say of directories that are not where it has them, or not here at all. */
	#unmet: DirectoryWork | null = null;
	/** A mark holds all that is below a directory: which those are shows only when they are reached. */
	#below = false;

	constructor(scope: Scope) {
		this.#scope = scope;
	}

	/** This is to be compared of a directory. */
	asked({ subtree, walk }: Partial<DirectoryWork>): void {
		this.#below ||= subtree === true || walk === true;
	}

	/** The target's mark of a directory that its path does not lead to here: what it covers may be anywhere. */
	unmet({ all, since, subtree }: Pick<DirectoryWork, "all" | "since" | "subtree">): void {
		this.#unmet = mergedWork(this.#unmet ?? undefined, { all, since, subtree });
		this.#below ||= subtree;
	}

	/** The target has this in the directory that is being compared, and the source has not. */
	leftThere({ id, attributes }: ListedEntry, work: DirectoryWork): void {
		const below = work.subtree || work.walk;
		const covers = isDirectory(attributes.mode) ? below : below || isYoung(work, id);
		if (covers && id !== "" && this.#ids.size < mostIds) this.#ids.add(id);
	}

	/** A change of the application takes this out of a directory here. */
	leaves(directory: FileRef, ref: FileRef): void {
		const work = this.#scope.everything ? undefined : this.#scope.pendingDirs.get(directory);
		if (this.#below || (work !== undefined && this.#isYoung(ref, [work]))) this.#pend(ref);
	}

	/** A file gets another name here: where it was until now is not known. */
	linked(ref: FileRef): void {
		const { everything, pendingDirs } = this.#scope;
		if (everything || pendingDirs.size === 0) return;
		const many = pendingDirs.size > fewDirectories;
		if (this.#below || many || this.#isYoung(ref, pendingDirs.values())) this.#pend(ref);
	}

	/** The file of this id was met. True: it has left a directory that covered it, so it is pending. */
	met(id: FileId, ref: FileRef): boolean {
		const left = id !== "" && (this.#ids.size >= mostIds || this.#ids.delete(id));
		if (!left && (this.#unmet === null || !isYoung(this.#unmet, id))) return false;
		this.#pend(ref);
		return true;
	}

	#isYoung(ref: FileRef, works: Iterable<DirectoryWork>): boolean {
		const id = this.#scope.volume.tree.idOf(ref);
		const known = typeof id === "string" ? id : "";
		for (const work of works) if (isYoung(work, known)) return true;
		return false;
	}

	#pend(ref: FileRef): void {
		const scope = this.#scope;
		if (scope.everything) return;
		const stat = scope.volume.tree.stat(ref);
		if (typeof stat === "number") return;
		const kind = stat.mode & fileType.MASK;
		if (kind === fileType.FILE) scope.pendFile(ref, (work) => work.addAll());
		else if (kind === fileType.DIRECTORY && this.#below) scope.pendDirectory(ref, { subtree: true });
	}
}
