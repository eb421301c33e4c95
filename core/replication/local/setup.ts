/** Opening a replicated directory: what its file system must offer, and the private folder in it. */
import { SafekitError } from "../../errors.ts";
import { at, errno, errnoName, open } from "../errno.ts";
import type { FileSystemStat, System } from "../system.ts";
import { formatOf, type HandleFormat, handleOfRef, refOfHandle } from "./handles.ts";
import { identityAttribute } from "./identity.ts";
import { type PrivateFolder, privateFolders, privateName, Tree } from "./tree.ts";

const magics = new Map([
	[0xef53, "ext4"],
	[0x58465342, "xfs"],
	[0x01021994, "tmpfs"],
]);
const fuseMagic = 0x65735546;
/** XFS hands out inode numbers over 32 bits beyond this size, unless it is mounted with inode32. */
const largestXfs = 2 ** 41;

/**
 * Opens the tree at `path`, which must not be covered by a mount of ours, and makes `.opensafe` in it if it is not
 * there. `acl`: access control lists are replicated too. Throws REPLICATION_FILE_SYSTEM or REPLICATION_DIRECTORY.
 * @param adopted the directory, open since before a mount that covers it.
 */
export function openTree(system: System, path: string, acl = false, adopted?: number): Tree {
	const root = adopted ?? openRoot(system, path);
	const format = checkFileSystem(system, path, root);
	const own = ensureFolder(system, path, root, privateName);
	const folders = Object.fromEntries(
		privateFolders.map((name) => [name, ensureFolder(system, path, own, name)]),
	) as Record<PrivateFolder, number>;
	const handle = system.nameToHandle(root, "");
	if (typeof handle === "number") throw refused(path, `it has no file handle (${errnoName(handle)})`);
	const ref = refOfHandle(format, handle);
	if (typeof ref === "number") throw refused(path, `its file handle cannot be used (${errnoName(ref)})`);
	const stat = system.stat(root, "");
	if (typeof stat === "number") throw refused(path, `stat fails with ${errnoName(stat)}`);
	return new Tree(system, format, path, { ref, device: stat.dev, mount: handle.mount, acl }, { root, own, folders });
}

/**
 * Checks, without leaving anything behind, that a directory can be replicated: for `config`. Throws as `openTree`.
 */
export function checkDirectory(system: System, path: string): void {
	const fd = openRoot(system, path);
	try {
		checkFileSystem(system, path, fd);
	} finally {
		system.close(fd);
	}
}

function openRoot(system: System, path: string): number {
	const fd = system.openat(at.FDCWD, path, open.RDONLY | system.flags.DIRECTORY | open.CLOEXEC);
	if (fd < 0) {
		throw new SafekitError(
			"REPLICATION_DIRECTORY",
			`The replicated directory ${path} cannot be opened: ${errnoName(fd)}.`,
		);
	}
	return fd;
}

function checkFileSystem(system: System, path: string, fd: number): HandleFormat {
	const stat = system.statfs(fd);
	if (typeof stat === "number") throw refused(path, `statfs fails with ${errnoName(stat)}`);
	checkKind(path, stat);
	const handle = system.nameToHandle(fd, "");
	const format = typeof handle === "number" ? null : formatOf(handle);
	const ref = typeof handle === "number" || format === null ? -1 : refOfHandle(format, handle);
	if (format === null || typeof ref === "number") throw refused(path, "it has no usable file handles");
	const again = system.openByHandle(fd, handleOfRef(format, ref), open.PATH);
	if (again < 0) throw refused(path, `files cannot be opened by handle (${errnoName(again)}); root is needed`);
	system.close(again);
	checkAttributes(system, path, fd);
	return format;
}

function checkKind(path: string, stat: FileSystemStat): void {
	const kind = magics.get(stat.type);
	if (stat.type === fuseMagic) throw refused(path, "it is a FUSE mount already");
	if (kind === undefined)
		throw refused(path, `its file system (type 0x${stat.type.toString(16)}) is none of ext4, XFS`);
	if (kind === "xfs" && stat.blocks * stat.bsize > largestXfs) {
		throw refused(path, "its XFS is larger than 2 TiB, so that inode numbers may exceed 32 bits");
	}
}

/** Tries a `trusted.` attribute on a file without a name. */
function checkAttributes(system: System, path: string, fd: number): void {
	const temporary = system.openat(fd, ".", open.RDWR | open.CLOEXEC | 0o20000000 | system.flags.DIRECTORY, 0o600);
	if (temporary < 0) throw refused(path, `a file cannot be created in it (${errnoName(temporary)})`);
	const result = system.setxattr(temporary, identityAttribute, Buffer.alloc(32), 0);
	system.close(temporary);
	if (result < 0) throw refused(path, `it does not keep trusted attributes (${errnoName(result)})`);
}

function ensureFolder(system: System, path: string, parent: number, name: string): number {
	const made = system.mkdirat(parent, name, 0o700);
	if (made < 0 && made !== -errno.EEXIST) {
		throw new SafekitError(
			"REPLICATION_DIRECTORY",
			`The folder ${name} cannot be made in ${path}: ${errnoName(made)}.`,
		);
	}
	const fd = system.openat(parent, name, open.RDONLY | system.flags.DIRECTORY | system.flags.NOFOLLOW | open.CLOEXEC);
	if (fd < 0) {
		const message = `${name} in ${path} is not a folder (${errnoName(fd)}): the product keeps its state there.`;
		throw new SafekitError("REPLICATION_DIRECTORY", message);
	}
	if (made === 0) system.chmod(fd, 0o700);
	return fd;
}

function refused(path: string, why: string): SafekitError {
	return new SafekitError("REPLICATION_FILE_SYSTEM", `The directory ${path} cannot be replicated: ${why}.`);
}
