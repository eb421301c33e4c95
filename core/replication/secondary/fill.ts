/** Gives a file on the target what came with its entry: all its content and its extended attributes. */
import { errno, open } from "../errno.ts";
import type { Tree } from "../local/tree.ts";
import type { FileRef, NewNode } from "../operation.ts";
import { attributeNames } from "../resync/look.ts";
import type { ExtendedAttribute, Whole } from "../wire/content.ts";

/** An empty file, open for writing, that has its owner already: a change of that, and a write, take capabilities away. */
export function fill({ system }: Tree, fd: number, { data, xattrs }: Whole): number {
	for (let done = 0; done < data.length; ) {
		const written = system.pwrite(fd, data.subarray(done), BigInt(done));
		if (written <= 0) return written === 0 ? -errno.EIO : written;
		done += written;
	}
	let result = 0;
	for (const { name, value } of xattrs) result = Math.min(result, system.setxattr(fd, name, value, 0));
	return result;
}

/** A file that holds something else, or too much. 0, or −errno. */
export function refill(tree: Tree, own: FileRef, { mode, uid, gid, times }: NewNode, whole: Whole): number {
	const { system } = tree;
	return tree.withFile<never>(own, open.RDWR, (fd) => {
		const steps = [
			() => system.ftruncate(fd, 0n),
			() => system.chown(fd, "", uid, gid),
			() => system.chmod(fd, mode & 0o7777),
			() => removeOthers(tree, fd, namesOf(whole.xattrs)),
			() => fill(tree, fd, whole),
			() => system.utimens(fd, "", times.atimeNs, times.mtimeNs),
		];
		return steps.reduce((result, step) => (result < 0 ? result : Math.min(0, step())), 0);
	});
}

/** Takes away the extended attributes that the source does not have. */
export function removeOthers(tree: Tree, fd: number, wanted: ReadonlySet<string>): number {
	let result = 0;
	for (const name of attributeNames(tree, fd)) {
		if (!wanted.has(name.toString("latin1"))) result = Math.min(result, tree.system.removexattr(fd, name));
	}
	return result;
}

export function namesOf(entries: readonly ExtendedAttribute[]): Set<string> {
	return new Set(entries.map(({ name }) => name.toString("latin1")));
}
