/**
 * Files with several names that the target must be brought under one of them: if it has them under another, in a
 * directory that is equal on both sides, they are introduced by that one, so that a hard link stays one. Finding the
 * other names takes a walk over all names of this side, once for all of them.
 */
import { Finder } from "../local/finder.ts";
import { isDirectory } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";
import type { Merge } from "./merge.ts";
import type { Scope } from "./scope.ts";

/** Files of one walk. */
const mostWanted = 100_000;

export class SecondNames {
	readonly #finders: Finder[];

	/** What the walk is needed for among these; null: nothing. */
	static of(merges: readonly Merge[]): SecondNames | null {
		const wanted = new Map<Scope, FileRef[]>();
		for (const { scope, ref } of several(merges)) {
			const files = wanted.get(scope) ?? [];
			if (files.length < mostWanted) files.push(ref);
			scope.searched.add(ref);
			wanted.set(scope, files);
		}
		return wanted.size === 0 ? null : new SecondNames(wanted);
	}

	private constructor(wanted: Map<Scope, FileRef[]>) {
		this.#finders = [...wanted].map(([scope, files]) => {
			const finder = new Finder(scope.volume.tree, true, (file, parent, name) => {
				if (scope.binder.has(file) || !scope.settled(parent)) return;
				scope.volume.names.note(file, parent, name);
				scope.reach(file);
			});
			for (const file of files) finder.want(file, 0n);
			return finder;
		});
	}

	/** A bounded piece; false: all was looked at. */
	step(): boolean {
		const finder = this.#finders[0];
		if (finder === undefined) return false;
		if (!finder.step()) this.#finders.shift();
		return this.#finders.length > 0;
	}
}

function* several(merges: readonly Merge[]): Iterable<{ scope: Scope; ref: FileRef }> {
	for (const merge of merges) {
		const { scope } = merge;
		for (const ref of merge.missing()) {
			if (scope.binder.has(ref) || scope.searched.has(ref)) continue;
			const stat = scope.volume.tree.stat(ref);
			if (typeof stat !== "number" && stat.nlink > 1 && !isDirectory(stat.mode)) yield { scope, ref };
		}
	}
}
