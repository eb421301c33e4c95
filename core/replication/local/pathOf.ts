/** Where a file lies: its names from the root down. */
import type { FileRef } from "../operation.ts";
import { nameOf, parentOf } from "./finder.ts";
import type { NameMemory } from "./nameMemory.ts";
import { isDirectory, type Tree } from "./tree.ts";

const mostLevels = 4000;

/** null: it is not below the root any more, not known where, or out of bounds. What was found is remembered. */
export function pathOf({ tree, names }: { tree: Tree; names: NameMemory }, ref: FileRef): Buffer[] | null {
	const path: Buffer[] = [];
	for (let at = ref; at !== tree.rootRef; ) {
		const seen = names.where(at);
		let parent: FileRef | number;
		let name: Buffer | null = null;
		if (seen !== undefined && tree.with<FileRef>(seen.parent, (fd) => tree.refAt(fd, seen.name)) === at) {
			parent = seen.parent;
			name = seen.name;
		} else {
			const stat = tree.stat(at);
			if (typeof stat === "number" || !isDirectory(stat.mode)) return null;
			parent = parentOf(tree, at);
			if (typeof parent === "bigint") name = nameOf(tree, parent, at);
		}
		if (typeof parent === "number" || name === null || path.length >= mostLevels) return null;
		names.note(at, parent, name);
		path.unshift(name);
		at = parent;
	}
	return path;
}
