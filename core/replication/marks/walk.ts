/**
 * Looks through the metadata of a whole tree for what was changed since a moment of its disk's clock (replication.md
 * §5.4): changes made by hand while the mount was away. Runs in a thread of its own.
 */
import { type as fileType } from "../errno.ts";
import type { Exclusion } from "../local/exclusion.ts";
import type { Tree } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";

export interface Found {
	file: FileRef;
	/** The directory in which it was found; its own reference for a directory. */
	directory: FileRef;
	isDirectory: boolean;
}

const batch = 500;

/**
 * Calls `found` with what has a ctime of `sinceNs` or later, some at a time. What vanishes meanwhile is nobody's
 * change by hand. Returns 0, or −errno when the tree cannot be read: then nothing is known.
 */
export function walkTree(tree: Tree, exclusion: Exclusion, sinceNs: bigint, found: (some: Found[]) => void): number {
	const { system } = tree;
	const left: FileRef[] = [tree.rootRef];
	let some: Found[] = [];
	const add = (one: Found): void => {
		some.push(one);
		if (some.length < batch) return;
		found(some);
		some = [];
	};
	const root = tree.stat(tree.rootRef);
	if (typeof root === "number") return root;
	if (root.ctimeNs >= sinceNs) add({ file: tree.rootRef, directory: tree.rootRef, isDirectory: true });
	for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
		const entries = tree.list(directory);
		if (typeof entries === "number") {
			if (isGone(entries)) continue;
			return entries;
		}
		const here = directory;
		const result = tree.with<number>(directory, (fd) => {
			for (const { name, type } of entries) {
				const stat = system.stat(fd, name);
				if (typeof stat === "number") {
					if (isGone(stat)) continue;
					return stat;
				}
				const isDirectory = (stat.mode & fileType.MASK) === fileType.DIRECTORY;
				const isNew = stat.ctimeNs >= sinceNs;
				if ((!isDirectory && !isNew) || stat.dev !== tree.device) continue;
				if (!exclusion.empty && exclusion.excludesIn(tree, here, name, type === 4)) continue;
				const file = tree.refAt(fd, name);
				if (typeof file === "number") continue;
				if (isDirectory) left.push(file);
				if (isNew) add({ file, directory: isDirectory ? file : here, isDirectory });
			}
			return 0;
		});
		if (typeof result === "number" && result < 0 && !isGone(result)) return result;
	}
	if (some.length > 0) found(some);
	return 0;
}

/** ENOENT, ESTALE. */
function isGone(result: number): boolean {
	return result === -2 || result === -116;
}
