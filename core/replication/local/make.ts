/** Making a file of any kind underneath: the same steps on the primary (FUSE) and on the secondary (apply). */
import { open, type } from "../errno.ts";
import type { FileId, FileRef, NewAcls } from "../operation.ts";
import type { Name, Or } from "../system.ts";
import { setAcls } from "./acl.ts";
import { isRegular, type Tree } from "./tree.ts";

export interface Making {
	/** With type bits. */
	mode: number;
	uid: number;
	gid: number;
	rdev: number;
	/** Of a symlink. */
	target?: Buffer;
	/** Access control lists; without, it gets none, also where the directory has a default one. */
	acls?: NewAcls;
	/** null: a file that is not replicated. */
	id: FileId | null;
	/** That it is made in; without, what this is like is not remembered for the next one. */
	directory?: FileRef;
}

export interface Made {
	ref: FileRef;
	/** Regular: O_RDWR; anything else: O_PATH. The caller closes it. */
	fd: number;
}

/**
 * Makes the file, gives it id, owner and mode, in an order in which a power cut leaves at worst an empty file that only
 * root can change and that has no id. What fails half-way is removed again.
 */
export function makeFile(tree: Tree, dirFd: number, name: Name, making: Making): Or<Made> {
	const inherited = inheritedList(tree, dirFd, making);
	if (typeof inherited === "number") return inherited;
	const how = { isListed: inherited !== null, isBorn: inherited === null && isBornWith(tree, making) };
	const fd = create(tree, dirFd, name, making, how.isBorn);
	if (fd < 0) return fd;
	const ref = dress(tree, fd, making, how);
	if (typeof ref === "bigint") return { ref, fd };
	tree.system.close(fd);
	tree.system.unlinkat(dirFd, name, (making.mode & type.MASK) === type.DIRECTORY ? 0x200 : 0);
	return ref;
}

/** Makes a regular file without a name, and puts it into `.opensafe/open`. A power cut leaves nothing or all of it. */
export function makeUnnamed(tree: Tree, making: Making): Or<Made> {
	const { system } = tree;
	const flags = open.RDWR | open.CLOEXEC | open.TMPFILE | system.flags.DIRECTORY;
	const fd = system.openat(tree.folderFd.open, ".", flags, 0o600);
	if (fd < 0) return fd;
	const inherited = inheritedList(tree, tree.folderFd.open, making);
	const how = { isListed: inherited !== null, isBorn: false };
	const ref = typeof inherited === "number" ? inherited : dress(tree, fd, making, how);
	const kept = typeof ref === "number" ? ref : tree.keepByLink(ref);
	if (kept >= 0 && typeof ref === "bigint") return { ref, fd };
	system.close(fd);
	return kept;
}

/** The list that the file system will give it; one that is given afterwards replaces it in any case. */
function inheritedList(tree: Tree, dirFd: number, { mode, acls, directory }: Making): Or<Buffer | null> {
	if (acls !== undefined || (mode & type.MASK) === type.LINK) return null;
	return tree.defaultLists.of(directory ?? 0n, dirFd);
}

/** The mode is one that a file can be made with: no bits that come with its owner or that this process masks. */
function isBornWith({ system }: Tree, { mode, acls }: Making): boolean {
	return isRegular(mode) && acls === undefined && (mode & (0o7000 | system.umask)) === 0;
}

function create(tree: Tree, dirFd: number, name: Name, { mode, rdev, target }: Making, isBorn: boolean): number {
	const { system } = tree;
	if (isRegular(mode)) {
		const flags = open.RDWR | open.CREAT | open.EXCL | open.CLOEXEC | system.flags.NOFOLLOW;
		return system.openat(dirFd, name, flags, isBorn ? mode & 0o777 : 0o600);
	}
	const kind = mode & type.MASK;
	const result =
		kind === type.LINK
			? system.symlinkat(target ?? "", dirFd, name)
			: kind === type.DIRECTORY
				? system.mkdirat(dirFd, name, 0o700)
				: system.mknodat(dirFd, name, kind | 0o600, rdev);
	if (result < 0) return result;
	return system.openat(dirFd, name, open.PATH | system.flags.NOFOLLOW | open.CLOEXEC);
}

/** What the file system gave it with its name: a list, or its mode. */
interface Born {
	isListed: boolean;
	isBorn: boolean;
}

function dress(tree: Tree, fd: number, { mode, uid, gid, id, acls }: Making, how: Born): Or<FileRef> {
	const { system } = tree;
	const ref = tree.refAt(fd, "");
	if (typeof ref === "number") return ref;
	if (id !== null) {
		const result = tree.setId(fd, ref, id);
		if (result < 0) return result;
	}
	const owned = system.chown(fd, "", uid, gid);
	if (owned < 0) return owned;
	if ((mode & type.MASK) === type.LINK || how.isBorn) return ref;
	const lists = acls ?? (how.isListed ? { access: null, default: null } : null);
	const listed = lists === null ? 0 : setAcls(system, fd, lists);
	if (listed < 0) return listed;
	const permitted = system.chmod(fd, mode & 0o7777);
	return permitted < 0 ? permitted : ref;
}
