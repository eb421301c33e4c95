/**
 * The tree underneath a mount, reached through a descriptor that was opened before (replication.md §5). Files are
 * named by FileRef and opened by handle, so no table of names or descriptors exists. Every method answers −errno
 * instead of throwing; descriptors that a method returns belong to the caller.
 */
import { errno, open, rename, type } from "../errno.ts";
import type { FileId, FileRef } from "../operation.ts";
import type { Name, Or, Stat, System } from "../system.ts";
import { DefaultLists } from "./acl.ts";
import { type HandleFormat, handleOfRef, refAsName, refOfHandle } from "./handles.ts";
import { decodeIdentity, encodeIdentity, identityAttribute } from "./identity.ts";

/** The folder in the replicated root that the mount hides. */
export const privateName = ".opensafe";
/** Folders in it: kept open files, entries that a resync took away, what a diverged node lost. */
export const privateFolders = ["open", "limbo", "quarantine"] as const;
export type PrivateFolder = (typeof privateFolders)[number];

/** An entry of a directory. `type`: DT_* of getdents64. */
export interface Entry {
	name: Buffer;
	ino: bigint;
	type: number;
}

export interface TreeDescriptors {
	root: number;
	/** `.opensafe` itself. */
	own: number;
	folders: Record<PrivateFolder, number>;
}

export class Tree {
	readonly system: System;
	readonly format: HandleFormat;
	/** The directory's path, for messages only: it leads to the mount. */
	readonly path: string;
	readonly rootFd: number;
	readonly rootRef: FileRef;
	/** Access control lists are replicated (spec/06 `acl`). */
	readonly acl: boolean;
	readonly defaultLists: DefaultLists;
	/** Of the mount table: what the tree is on. */
	readonly mount: number;
	/** Of its file system, as `Stat.dev`. */
	readonly device: string;
	/** `.opensafe`, O_RDONLY directory. */
	readonly ownFd: number;
	readonly folderFd: Record<PrivateFolder, number>;

	/** Use `openTree` of setup.ts. */
	constructor(
		system: System,
		format: HandleFormat,
		path: string,
		root: { ref: FileRef; device: string; mount: number; acl: boolean },
		fds: TreeDescriptors,
	) {
		this.system = system;
		this.format = format;
		this.path = path;
		this.rootRef = root.ref;
		this.device = root.device;
		this.mount = root.mount;
		this.acl = root.acl;
		this.defaultLists = new DefaultLists(system);
		this.rootFd = fds.root;
		this.ownFd = fds.own;
		this.folderFd = fds.folders;
	}

	close(): void {
		for (const fd of [...Object.values(this.folderFd), this.ownFd, this.rootFd]) this.system.close(fd);
	}

	/**
	 * What `name` in an open directory refers to. `name` empty: the descriptor itself. −EXDEV: something else is mounted
	 * there, whose handle would mean another file in this file system.
	 */
	refAt(dirFd: number, name: Name): Or<FileRef> {
		const handle = this.system.nameToHandle(dirFd, name);
		if (typeof handle === "number") return handle;
		return handle.mount === this.mount ? refOfHandle(this.format, handle) : -errno.EXDEV;
	}

	/** Opens by reference. −ESTALE: no such file any more. Never with write flags on anything but a regular file. */
	open(ref: FileRef, flags: number): number {
		return this.system.openByHandle(this.rootFd, handleOfRef(this.format, ref), flags | open.CLOEXEC);
	}

	/** O_PATH: for attributes and as the directory of a name; opens devices and symlinks without touching them. */
	openPath(ref: FileRef): number {
		return this.open(ref, open.PATH | this.system.flags.NOFOLLOW);
	}

	openDirectory(ref: FileRef): number {
		return this.open(ref, open.RDONLY | this.system.flags.DIRECTORY);
	}

	/** Runs `use` with an O_PATH descriptor of `ref`, and closes it. */
	with<T>(ref: FileRef, use: (fd: number) => Or<T>): Or<T> {
		const fd = this.openPath(ref);
		if (fd < 0) return fd;
		try {
			return use(fd);
		} finally {
			this.system.close(fd);
		}
	}

	/** Runs `use` with a regular file opened with `flags`, and closes it. */
	withFile<T>(ref: FileRef, flags: number, use: (fd: number) => Or<T>): Or<T> {
		const fd = this.open(ref, flags);
		if (fd < 0) return fd;
		try {
			return use(fd);
		} finally {
			this.system.close(fd);
		}
	}

	stat(ref: FileRef): Or<Stat> {
		return this.with(ref, (fd) => this.system.stat(fd, ""));
	}

	/** The file's id, null when it has none or a void one. */
	idOf(ref: FileRef): Or<FileId | null> {
		return this.with<FileId | null>(ref, (fd) => this.idOfFd(fd, ref));
	}

	idOfFd(fd: number, ref: FileRef): Or<FileId | null> {
		const bytes = this.system.getxattr(fd, identityAttribute);
		if (bytes === -errno.ENODATA) return null;
		return typeof bytes === "number" ? bytes : decodeIdentity(ref, bytes);
	}

	setId(fd: number, ref: FileRef, id: FileId): number {
		return this.system.setxattr(fd, identityAttribute, encodeIdentity(ref, id), 0);
	}

	/** All entries of a directory but `.`, `..` and, in the root, `.opensafe`; in the file system's order. */
	list(ref: FileRef): Or<Entry[]> {
		const fd = this.openDirectory(ref);
		if (fd < 0) return fd;
		try {
			const entries: Entry[] = [];
			for (;;) {
				const batch = this.system.getdents(fd);
				if (typeof batch === "number") return batch;
				if (batch.length === 0) return entries;
				for (const entry of batch) if (!this.hides(ref, entry.name)) entries.push(entry);
			}
		} finally {
			this.system.close(fd);
		}
	}

	/** True for `.`, `..` and the private folder: names that no list and no operation may show. */
	hides(directory: FileRef, name: Buffer): boolean {
		if (name[0] !== 0x2e) return false;
		if (name.length === 1 || (name.length === 2 && name[1] === 0x2e)) return true;
		return this.isPrivate(directory, name);
	}

	/** True for `.opensafe` in the root. */
	isPrivate(directory: FileRef, name: Buffer): boolean {
		return directory === this.rootRef && name.length === privateName.length && name.toString("latin1") === privateName;
	}

	/** Moves the last name of an open file to `.opensafe/open`, where it stays until `dropKept`. */
	keepByMove(dirFd: number, name: Buffer, ref: FileRef): number {
		return this.system.renameat2(dirFd, name, this.folderFd.open, refAsName(ref), 0);
	}

	/** Gives a file that is about to be replaced a second name in `.opensafe/open`, so that the replacement stays atomic. */
	keepByLink(ref: FileRef): number {
		const result = this.with(ref, (fd) => this.system.linkFd(fd, this.folderFd.open, refAsName(ref)));
		return result === -errno.EEXIST ? 0 : result;
	}

	/** The first name of a file that was made without one. */
	nameKept(ref: FileRef, dirFd: number, name: Buffer): number {
		return this.system.renameat2(this.folderFd.open, refAsName(ref), dirFd, name, rename.NOREPLACE);
	}

	/** The kept open file with this id. −ENOENT: none has it. */
	keptWithId(id: FileId): Or<FileRef> {
		const folder = this.refAt(this.folderFd.open, "");
		const entries = typeof folder === "number" ? folder : this.list(folder);
		if (typeof entries === "number") return entries;
		for (const { name } of entries) {
			const ref = this.refAt(this.folderFd.open, name);
			if (typeof ref === "bigint" && this.idOf(ref) === id) return ref;
		}
		return -errno.ENOENT;
	}

	dropKept(ref: FileRef): number {
		return this.system.unlinkat(this.folderFd.open, refAsName(ref), 0);
	}

	/** The files in `.opensafe/open`. */
	keptRefs(): FileRef[] {
		const ref = this.refAt(this.folderFd.open, "");
		const entries = typeof ref === "number" ? [] : this.list(ref);
		if (typeof entries === "number") return [];
		return entries.flatMap(({ name }) => (/^[0-9a-f]{16}$/.test(name.toString()) ? [BigInt(`0x${name}`)] : []));
	}

	/** Removes everything in `.opensafe/open`: nobody can have it open after a start or a promotion. */
	emptyKept(): number {
		const ref = this.refAt(this.folderFd.open, "");
		if (typeof ref === "number") return ref;
		const entries = this.list(ref);
		if (typeof entries === "number") return entries;
		let failed = 0;
		for (const entry of entries) {
			const result = this.system.unlinkat(this.folderFd.open, entry.name, 0);
			if (result < 0 && result !== -errno.ENOENT) failed = result;
		}
		return failed;
	}
}

/** True when the mode is of a directory. */
export function isDirectory(mode: number): boolean {
	return (mode & type.MASK) === type.DIRECTORY;
}

export function isRegular(mode: number): boolean {
	return (mode & type.MASK) === type.FILE;
}
