/**
 * Repeats on the secondary what happened on the primary. Everything here has succeeded there, so every error is a
 * difference or a failing disk: the caller stops at the first one and is no longer promotable (replication.md §5.9).
 */
import { at, errno, open } from "../errno.ts";
import type { FileRef, NewNode, Operation } from "../operation.ts";
import type { Or } from "../system.ts";
import type { Bindings } from "./bindings.ts";
import { type Exclusion, nothingExcluded } from "./exclusion.ts";
import { refAsName } from "./handles.ts";
import { type Made, makeFile, makeUnnamed } from "./make.ts";
import type { Tree } from "./tree.ts";
import { WrittenFiles } from "./writtenFiles.ts";

/** DT_DIR. */
const directoryEntry = 4;

type Of<K extends Operation["op"]> = Extract<Operation, { op: K }>;

export class Applier {
	readonly #tree: Tree;
	readonly #bindings: Bindings;
	readonly #exclusion: Exclusion;
	readonly #written: WrittenFiles;

	constructor(tree: Tree, bindings: Bindings, exclusion: Exclusion = nothingExcluded) {
		this.#tree = tree;
		this.#bindings = bindings;
		this.#exclusion = exclusion;
		this.#written = new WrittenFiles(tree);
	}

	/** Gives files and directories the times that they owe: before anybody looks at them. 0, or −errno. */
	settle(): number {
		return this.#written.settle();
	}

	/** Open on one of the own files, if it is: to be duplicated. */
	fdOf(own: FileRef): number | undefined {
		return this.#written.fdOf(own);
	}

	/** As `settle`; nothing stays open. */
	close(): number {
		return this.#written.close();
	}

	/** 0, or −errno. Times are owed until `settle`. −ESTALE: a file is not bound, or a name does not lead to the file that the primary means. */
	apply(operation: Operation): number {
		switch (operation.op) {
			case "make":
				return this.#make(operation);
			case "makeUnnamed":
				return this.#makeUnnamed(operation);
			case "link":
				return this.#link(operation);
			case "unlink":
				return this.#unlink(operation);
			case "rmdir":
				return this.#rmdir(operation);
			case "dropOpen":
				return this.#dropOpen(operation);
			case "rename":
				return this.#rename(operation);
			case "write":
				return this.#write(operation);
			case "truncate":
				return this.#onFile(operation.file, operation.mtimeNs, (fd) => this.#tree.system.ftruncate(fd, operation.size));
			case "fallocate":
				return this.#onFile(operation.file, operation.mtimeNs, (fd) =>
					this.#tree.system.fallocate(fd, operation.mode, operation.offset, operation.length),
				);
			case "setattr":
				return this.#setattr(operation);
			case "setxattr":
				this.#tree.defaultLists.forget();
				return this.#on(operation.file, (fd) => this.#tree.system.setxattr(fd, operation.name, operation.value, 0));
			case "removexattr":
				this.#tree.defaultLists.forget();
				return this.#on(operation.file, (fd) => this.#tree.system.removexattr(fd, operation.name));
			case "bind":
				return this.#bind(operation);
			case "unbind":
				this.#bindings.unbind(operation.file);
				return 0;
			case "sync":
				// Syncing takes a thread that may block: the caller sees to it.
				return 0;
		}
	}

	/** −ESTALE: the name leads to another file, or to none: a difference that nothing named. */
	#bind({ parent, name, file, id }: Of<"bind">): number {
		const tree = this.#tree;
		const own = parent === 0n ? tree.keptWithId(id) : this.#entry(parent, name);
		if (typeof own === "number") return own === -errno.ENOENT ? -errno.ESTALE : own;
		const there = tree.idOf(own);
		if (typeof there === "number") return there;
		if ((there ?? "") !== id) return -errno.ESTALE;
		this.#bindings.bind(file, own);
		return 0;
	}

	#own(file: FileRef): FileRef | null {
		return this.#bindings.own(file) ?? null;
	}

	#entry(parent: FileRef, name: Buffer): FileRef | number {
		const own = this.#own(parent);
		return own === null ? -errno.ESTALE : this.#tree.with<FileRef>(own, (fd) => this.#tree.refAt(fd, name));
	}

	#on(file: FileRef, use: (fd: number) => number): number {
		const own = this.#own(file);
		return own === null ? -errno.ESTALE : this.#tree.with<never>(own, use);
	}

	#onFile(file: FileRef, mtimeNs: bigint, use: (fd: number) => number): number {
		const own = this.#own(file);
		if (own === null) return -errno.ESTALE;
		const settled = this.#written.settle();
		if (settled < 0) return settled;
		return this.#tree.withFile<never>(own, open.RDWR, (fd) => {
			const result = use(fd);
			return result < 0 ? result : this.#tree.system.utimens(fd, "", null, mtimeNs);
		});
	}

	/** Runs `change` with the directory open, and gives it the primary's mtime. */
	#inDirectory(directory: FileRef, mtimeNs: bigint, change: (dirFd: number) => number): number {
		const own = this.#own(directory);
		return own === null ? -errno.ESTALE : this.#written.inDirectory(own, mtimeNs, change);
	}

	/** Before a name goes or is replaced. */
	#letGo(dirFd: number, name: Buffer): void {
		if (this.#written.size === 0) return;
		const ref = this.#tree.refAt(dirFd, name);
		if (typeof ref === "bigint") this.#written.letGo(ref);
	}

	#make({ parent, name, file, id, node, target, acls, after }: Of<"make">): number {
		const directory = this.#own(parent) ?? 0n;
		if (this.#tree.isPrivate(directory, name)) return -errno.EACCES;
		return this.#inDirectory(parent, after.mtimeNs, (dirFd) => {
			const optional = { ...(target === undefined ? {} : { target }), ...(acls === undefined ? {} : { acls }) };
			return this.#made(file, node, makeFile(this.#tree, dirFd, name, { ...node, id, directory, ...optional }));
		});
	}

	#makeUnnamed({ file, id, node, acls }: Of<"makeUnnamed">): number {
		return this.#made(file, node, makeUnnamed(this.#tree, { ...node, id, ...(acls === undefined ? {} : { acls }) }));
	}

	#made(file: FileRef, { times }: NewNode, made: Or<Made>): number {
		const { system } = this.#tree;
		if (typeof made === "number") return made;
		const result = system.utimens(made.fd, "", times.atimeNs, times.mtimeNs);
		system.close(made.fd);
		this.#bindings.bind(file, made.ref);
		return result;
	}

	#link({ file, parent, name, unnamed, after }: Of<"link">): number {
		return this.#inDirectory(parent, after.mtimeNs, (dirFd) => {
			const own = this.#own(file);
			if (own === null) return -errno.ESTALE;
			if (unnamed) return this.#tree.nameKept(own, dirFd, name);
			return this.#tree.with<never>(own, (fd) => this.#tree.system.linkFd(fd, dirFd, name));
		});
	}

	/** A file that was never introduced is the one of this name. */
	#unlink({ parent, name, file, keep, after }: Of<"unlink">): number {
		return this.#inDirectory(parent, after.mtimeNs, (dirFd) => {
			const own = this.#tree.refAt(dirFd, name);
			if (typeof own === "number") return own === -errno.ENOENT ? -errno.ESTALE : own;
			if (own !== (this.#own(file) ?? own)) return -errno.ESTALE;
			if (keep) this.#bindings.bind(file, own);
			this.#written.letGo(own);
			return keep ? this.#tree.keepByMove(dirFd, name, own) : this.#tree.system.unlinkat(dirFd, name, 0);
		});
	}

	#rmdir({ parent, name, after }: Of<"rmdir">): number {
		const { system } = this.#tree;
		return this.#inDirectory(parent, after.mtimeNs, (dirFd) => {
			this.#letGo(dirFd, name);
			const result = system.unlinkat(dirFd, name, at.REMOVEDIR);
			if (result !== -errno.ENOTEMPTY) return result;
			// The primary's directory was empty: what is left here may only be files that are not replicated.
			const ref = this.#tree.refAt(dirFd, name);
			if (typeof ref === "number") return ref;
			if (!this.#holdsOnlyExcluded(ref)) return result;
			return system.renameat2(dirFd, name, this.#tree.folderFd.limbo, refAsName(ref), 0);
		});
	}

	#holdsOnlyExcluded(directory: FileRef): boolean {
		const entries = this.#tree.list(directory);
		if (typeof entries === "number") return false;
		return entries.every(({ name, type: kind }) =>
			this.#exclusion.excludesIn(this.#tree, directory, name, kind === directoryEntry),
		);
	}

	#dropOpen({ file }: Of<"dropOpen">): number {
		const own = this.#own(file);
		if (own === null) return -errno.ESTALE;
		this.#bindings.unbind(file);
		this.#written.letGo(own);
		return this.#tree.dropKept(own);
	}

	#rename({ parent, name, newParent, newName, flags, keep, after, newAfter }: Of<"rename">): number {
		if (keep !== null) {
			const own = this.#own(keep) ?? this.#entry(newParent, newName);
			const kept = typeof own === "number" ? own : this.#tree.keepByLink(own);
			if (kept < 0) return kept;
			this.#bindings.bind(keep, own as FileRef);
		}
		return this.#inDirectory(newParent, newAfter.mtimeNs, (newFd) =>
			this.#inDirectory(parent, after.mtimeNs, (dirFd) => {
				if (flags === 0) this.#letGo(newFd, newName);
				return this.#tree.system.renameat2(dirFd, name, newFd, newName, flags);
			}),
		);
	}

	#write({ file, offset, data, mtimeNs }: Of<"write">): number {
		const own = this.#own(file);
		return own === null ? -errno.ESTALE : this.#written.write(own, data, offset, mtimeNs);
	}

	#setattr({ file, mode, uid, gid, times }: Of<"setattr">): number {
		const { system } = this.#tree;
		const settled = this.#written.settle();
		if (settled < 0) return settled;
		return this.#on(file, (fd) => {
			// chown clears set-id bits, so the mode follows it.
			let result = uid === undefined && gid === undefined ? 0 : system.chown(fd, "", uid ?? -1, gid ?? -1);
			if (result >= 0 && mode !== undefined) result = system.chmod(fd, mode & 0o7777);
			if (result >= 0 && times !== undefined) result = system.utimens(fd, "", times.atimeNs, times.mtimeNs);
			return result;
		});
	}
}
