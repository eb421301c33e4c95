/**
 * POSIX access control lists (spec/06 `acl`), as the kernel keeps them in two extended attributes. A file system
 * gives what is made in a directory the directory's default list by itself; here that is worked out once, on the
 * primary, and both sides then set the result, so that a list nobody asked for never appears.
 */
import { errno, type } from "../errno.ts";
import type { FileRef, NewAcls } from "../operation.ts";
import type { FileCalls, Or } from "../system.ts";

export const accessAcl = "system.posix_acl_access";
export const defaultAcl = "system.posix_acl_default";

/** True for the attributes that hold lists. */
export function isAcl(name: string): boolean {
	return name === accessAcl || name === defaultAcl;
}

const [headerSize, entrySize] = [4, 8];
const tag = { userObject: 1, user: 2, groupObject: 4, group: 8, mask: 16, other: 32 };

/**
 * What a file made with `mode` (with type bits, no umask applied) gets in a directory with the default list `list`:
 * never more than the mode asks for, and a list of its own only where a mode alone does not say it (acl(5)).
 */
export function inheritAcl(list: Buffer, mode: number): { mode: number; acls: NewAcls } {
	const own = Buffer.from(list);
	let left = mode;
	let isExtended = false;
	const limit = (at: number, shift: number) => {
		const permitted = own.readUInt16LE(at + 2) & ((left >> shift) & 7);
		own.writeUInt16LE(permitted, at + 2);
		left = (left & ~(7 << shift)) | (permitted << shift);
	};
	const places = new Map<number, number>();
	for (let at = headerSize; at + entrySize <= own.length; at += entrySize) {
		const kind = own.readUInt16LE(at);
		if (kind === tag.user || kind === tag.group || kind === tag.mask) isExtended = true;
		places.set(kind, at);
	}
	const [user, other] = [places.get(tag.userObject), places.get(tag.other)];
	const group = places.get(tag.mask) ?? places.get(tag.groupObject);
	if (user !== undefined) limit(user, 6);
	if (group !== undefined) limit(group, 3);
	if (other !== undefined) limit(other, 0);
	const isDirectory = (mode & type.MASK) === type.DIRECTORY;
	return { mode: left, acls: { access: isExtended ? own : null, default: isDirectory ? list : null } };
}

/** Directories that are remembered at most. */
const mostRemembered = 4096;

/**
 * Default lists of directories. That one has none is remembered: it is asked with everything that is made in it. Whoever
 * changes extended attributes in the tree must say so.
 */
export class DefaultLists {
	readonly #system: FileCalls;
	readonly #without = new Set<FileRef>();

	constructor(system: FileCalls) {
		this.#system = system;
	}

	/** Of an open directory, null when it has none or the file system knows none; −errno. `directory` 0: asked for anew. */
	of(directory: FileRef, dirFd: number): Or<Buffer | null> {
		if (this.#without.has(directory)) return null;
		const list = this.#system.getxattr(dirFd, defaultAcl);
		if (list !== -errno.ENODATA && list !== -errno.EOPNOTSUPP) return list;
		if (this.#without.size >= mostRemembered) this.#without.clear();
		if (directory !== 0n) this.#without.add(directory);
		return null;
	}

	/** An extended attribute is changed somewhere. */
	forget(): void {
		this.#without.clear();
	}
}

/** Sets exactly these lists on something that was just made, whatever it got from its directory. */
export function setAcls(system: FileCalls, fd: number, acls: NewAcls): number {
	for (const [name, list] of [
		[accessAcl, acls.access],
		[defaultAcl, acls.default],
	] as const) {
		const result = list === null ? system.removexattr(fd, name) : system.setxattr(fd, name, list, 0);
		if (result < 0 && !(list === null && (result === -errno.ENODATA || result === -errno.EACCES))) return result;
	}
	return 0;
}
