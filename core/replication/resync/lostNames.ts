/** Marked files whose names nobody remembers: looked for in the directories that their marks hint at, then everywhere. */
import { SafekitError } from "../../errors.ts";
import { Finder } from "../local/finder.ts";
import type { FileRef } from "../operation.ts";
import type { Scope } from "./scope.ts";

/** As many as the memory of names keeps. */
const atOnce = 30_000;
/** Live changes may move a file while it is looked for. */
const mostTries = 5;

export class LostNames {
	readonly #files: { scope: Scope; ref: FileRef }[];
	readonly #finders: { scope: Scope; finder: Finder }[];

	constructor(files: { scope: Scope; ref: FileRef }[]) {
		this.#files = files;
		const byScope = new Map<Scope, Finder>();
		for (const { scope, ref } of files.slice(0, atOnce)) {
			const finder = byScope.get(scope) ?? new Finder(scope.volume.tree, false, scope.found);
			byScope.set(scope, finder);
			finder.want(ref, scope.hints.get(ref) ?? 0n);
		}
		this.#finders = [...byScope].map(([scope, finder]) => ({ scope, finder }));
	}

	/** A bounded piece; false: all was looked at. */
	step(): boolean {
		const current = this.#finders[0];
		if (current === undefined) return false;
		if (current.finder.step()) return true;
		const { scope, finder } = current;
		scope.looked += finder.looked;
		for (const ref of finder.left) this.#missed(scope, ref);
		this.#finders.shift();
		return this.#finders.length > 0;
	}

	/** The files, to be tried again. */
	end(): { scope: Scope; ref: FileRef }[] {
		return this.#files;
	}

	#missed(scope: Scope, ref: FileRef): void {
		const tries = (scope.misses.get(ref) ?? 0) + 1;
		scope.misses.set(ref, tries);
		if (tries > mostTries)
			throw new SafekitError(
				"REPLICATION_LIMIT",
				"a marked file cannot be found by any name in the replicated directory",
			);
		if (typeof scope.volume.tree.stat(ref) === "number") scope.pendingFiles.delete(ref);
	}
}
