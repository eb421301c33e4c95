/** Making a file of any kind underneath: the same steps on the primary (FUSE) and on the secondary (apply). */
import { open, type } from "../errno.ts";
import type { FileId, FileRef, NewAcls } from "../operation.ts";
import type { Name, Or } from "../system.ts";
import { defaultAclOf, setAcls } from "./acl.ts";
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
}

export interface Made {
	ref: FileRef;
	/** Regular: O_RDWR; anything else: O_PATH. The caller closes it. */
	fd: number;
}

/**
 * Makes the file, gives it id, owner and mode, in an order in which a power cut leaves at worst a file that only
 * root can read and that has no id. What fails half-way is removed again.
 */
export function makeFile(tree: Tree, dirFd: number, name: Name, making: Making): Or<Made> {
	const fd = create(tree, dirFd, name, making);
	if (fd < 0) return fd;
	const ref = dress(tree, fd, making, dirFd);
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
	const ref = dress(tree, fd, making, tree.folderFd.open);
	const kept = typeof ref === "number" ? ref : tree.keepByLink(ref);
	if (kept >= 0 && typeof ref === "bigint") return { ref, fd };
	system.close(fd);
	return kept;
}

function create(tree: Tree, dirFd: number, name: Name, { mode, rdev, target }: Making): number {
	const { system } = tree;
	if (isRegular(mode)) {
		return system.openat(dirFd, name, open.RDWR | open.CREAT | open.EXCL | open.CLOEXEC | system.flags.NOFOLLOW, 0o600);
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

function dress(tree: Tree, fd: number, { mode, uid, gid, id, acls }: Making, dirFd: number): Or<FileRef> {
	const { system } = tree;
	const ref = tree.refAt(fd, "");
	if (typeof ref === "number") return ref;
	if (id !== null) {
		const result = tree.setId(fd, ref, id);
		if (result < 0) return result;
	}
	const owned = system.chown(fd, "", uid, gid);
	if (owned < 0) return owned;
	if ((mode & type.MASK) === type.LINK) return ref;
	const listed = list(tree, fd, acls, dirFd);
	if (listed < 0) return listed;
	const permitted = system.chmod(fd, mode & 0o7777);
	return permitted < 0 ? permitted : ref;
}

/** The file system has given it the default list of its directory, if there is one. */
function list({ system }: Tree, fd: number, acls: NewAcls | undefined, dirFd: number): number {
	if (acls !== undefined) return setAcls(system, fd, acls);
	const inherited = defaultAclOf(system, dirFd);
	if (typeof inherited === "number") return inherited;
	return inherited === null ? 0 : setAcls(system, fd, { access: null, default: null });
}
