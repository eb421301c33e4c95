/**
 * What the target of a resync is told besides operations: which entries must or must not exist, and what it holds.
 * Nothing is deleted here: what the source lacks goes to `.opensafe/limbo`, where a file is found again by its id.
 */
import type { Context, Volume } from "../control/context.ts";
import { at, errno, type as fileType, open } from "../errno.ts";
import { nameOf, parentOf } from "../local/finder.ts";
import { refAsName } from "../local/handles.ts";
import { makeFile } from "../local/make.ts";
import type { FileRef } from "../operation.ts";
import { labelOfName } from "../quarantine/labels.ts";
import type { Quarantine } from "../quarantine/quarantine.ts";
import { attributesOf, digestsOf, lookAt } from "../resync/look.ts";
import type { Stat } from "../system.ts";
import type { Whole } from "../wire/content.ts";
import type { Attributes, ListedEntry, Message } from "../wire/messages.ts";
import type { RefBindings } from "./bindings.ts";
import { fill, namesOf, refill, removeOthers } from "./fill.ts";
import { LimboIndex } from "./limbo.ts";

const removedAtOnce = 200;
/** Entries of a directory that are looked at in one slice. */
const listedAtOnce = 100;

/** What is about to be lost here, to those who keep it. */
interface Losing {
	/** Goes to limbo, under this name there; it is still in its old place. */
	leaves(entry: string, ref: FileRef): void;
	/** All its content may change. */
	changes(ref: FileRef): void;
}

type Of<K extends Message["is"]> = Extract<Message, { is: K }>;

/** One replicated directory on the target. Every method answers 0 or −errno. */
export class Repairs {
	readonly #volume: Volume;
	readonly #bindings: RefBindings;
	readonly #cold: boolean;
	readonly #losing: Losing;
	readonly #limbo: LimboIndex;
	/** Extended attributes of a file that have come so far. */
	#attributes: { file: FileRef; names: Set<string> } | null = null;
	#made = false;

	/** @param cold content is read from the disk itself: what the cache holds of it may never have been stored. */
	constructor(volume: Volume, bindings: RefBindings, cold: boolean, losing: Losing) {
		this.#volume = volume;
		this.#bindings = bindings;
		this.#cold = cold;
		this.#losing = losing;
		this.#limbo = new LimboIndex(volume.tree);
	}

	/** Whether the last `place` has made a file, which is empty. */
	get made(): boolean {
		return this.#made;
	}

	bind({ file, own }: Of<"bind">): number {
		this.#bindings.bind(file, own === 0n ? this.#volume.tree.rootRef : own);
		return 0;
	}

	place(message: Of<"place">): number {
		this.#made = false;
		const result = this.#place(message);
		return result < 0 || this.#made || message.whole === null ? result : this.#refill(message, message.whole);
	}

	/** What was found here may hold something else. */
	#refill({ file, node }: Of<"place">, whole: Whole): number {
		const own = this.#bindings.own(file);
		if (own === undefined) return -errno.ESTALE;
		this.#losing.changes(own);
		return refill(this.#volume.tree, own, node, whole);
	}

	#place(message: Of<"place">): number {
		const { tree } = this.#volume;
		const { parent, name, file } = message;
		if (parent === 0n) return this.#placeKept(message);
		const directory = this.#bindings.own(parent);
		if (directory === undefined || tree.isPrivate(directory, name)) return -errno.ESTALE;
		return tree.with<never>(directory, (dirFd) => {
			const existing = tree.refAt(dirFd, name);
			if (typeof existing === "bigint") {
				if (existing === this.#bindings.own(file)) return 0;
				if (this.#bindings.own(file) === undefined && tree.idOf(existing) === message.id) {
					this.#bindings.bind(file, existing);
					return 0;
				}
				const moved = this.#toLimbo(dirFd, name, existing);
				if (moved < 0) return moved;
			}
			return this.#bring(message, dirFd, name);
		});
	}

	/** The source has marked what `place` has made: from now on it may be known by its id. */
	identify({ file, id }: Of<"identify">): number {
		const { tree } = this.#volume;
		const own = this.#bindings.own(file);
		// Closed meanwhile, without a name: it is gone. What has no id is compared whole in any case.
		if (own === undefined) return 0;
		const result = id === "" ? 0 : tree.with<never>(own, (fd) => tree.setId(fd, own, id));
		// Gone again already.
		return isAbsent(result) ? 0 : result;
	}

	limbo({ parent, name }: Of<"limbo">): number {
		const { tree } = this.#volume;
		const directory = this.#bindings.own(parent);
		if (directory === undefined || tree.isPrivate(directory, name)) return -errno.ESTALE;
		return tree.with<never>(directory, (dirFd) => {
			const existing = tree.refAt(dirFd, name);
			if (existing === -errno.ENOENT) return 0;
			return typeof existing === "number" ? existing : this.#toLimbo(dirFd, name, existing);
		});
	}

	/** Exactly these extended attributes, once the last piece has come. */
	xattrs({ file, last, entries }: Of<"xattrs">): number {
		const { tree } = this.#volume;
		const own = this.#bindings.own(file);
		if (own === undefined) return -errno.ESTALE;
		const wanted = this.#attributes?.file === file ? this.#attributes.names : new Set<string>();
		for (const name of namesOf(entries)) wanted.add(name);
		this.#attributes = last ? null : { file, names: wanted };
		tree.defaultLists.forget();
		return tree.with<never>(own, (fd) => {
			// First makes room: there may be no more than fit a block.
			let result = last ? removeOthers(tree, fd, wanted) : 0;
			for (const { name, value } of entries) result = Math.min(result, tree.system.setxattr(fd, name, value, 0));
			return result;
		});
	}

	/** Everything in the root becomes part of the quarantine; the number of entries, or −errno. */
	foreign(quarantine: Quarantine): number {
		const { tree, exclusion } = this.#volume;
		const entries = tree.list(tree.rootRef);
		if (typeof entries === "number") return entries;
		const leaving = entries.filter(({ name, type }) => !exclusion.excludesIn(tree, tree.rootRef, name, type === 4));
		for (const { name } of leaving) quarantine.take(tree.rootFd, name, labelOfName(name));
		return leaving.length;
	}

	/**
	 * Entries of a directory, in batches that fit a message and in slices; `give` is called at least once, with null
	 * when there is no such directory. Ends with 0 or −errno.
	 */
	*list(
		{ file, details }: Of<"list">,
		give: (own: Attributes | null, entries: ListedEntry[], last: boolean) => void,
	): Generator<void, number> {
		const { tree } = this.#volume;
		const directory = this.#bindings.own(file);
		const own = directory === undefined ? -errno.ESTALE : lookAt(tree, directory);
		const names = directory === undefined || typeof own === "number" ? own : tree.list(directory);
		if (typeof own === "number" || !Array.isArray(names)) {
			if (!isAbsent(Number(names))) return Number(names);
			give(null, [], true);
			return 0;
		}
		let batch: ListedEntry[] = [];
		for (const [count, { name }] of names.entries()) {
			const entry = this.#describe(directory!, name, details);
			if (typeof entry !== "number") batch.push(entry);
			if (batch.length === 1000) {
				give(own, batch, false);
				batch = [];
			}
			if (count % listedAtOnce === listedAtOnce - 1) yield;
		}
		give(own, batch, true);
		return 0;
	}

	/** `give` gets null when there is no such file. */
	compare(message: Of<"compare">, give: (own: Attributes | null, digests: Buffer[]) => void): number {
		const own = this.#bindings.own(message.file);
		const result = own === undefined ? -errno.ESTALE : this.#compare(own, message, give);
		if (!isAbsent(result)) return result;
		give(null, []);
		return 0;
	}

	#compare(own: FileRef, message: Of<"compare">, give: (own: Attributes, digests: Buffer[]) => void): number {
		const { tree } = this.#volume;
		return tree.withFile<never>(own, open.RDONLY | tree.system.flags.NOATIME, (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			const size = BigInt(stat.size);
			if (this.#cold) tree.system.forget(fd, message.offset, message.length);
			give(attributesOf(tree, fd, stat), digestsOf(tree.system, fd, message, size));
			return 0;
		});
	}

	#describe(directory: FileRef, name: Buffer, details: boolean): ListedEntry | number {
		const { tree } = this.#volume;
		const own = tree.with<FileRef>(directory, (fd) => tree.refAt(fd, name));
		if (typeof own === "number") return own;
		return tree.with<ListedEntry>(own, (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			const id = tree.idOfFd(fd, own);
			const attributes = details ? attributesOf(tree, fd, stat) : kindOf(stat);
			return { name, own, attributes, id: typeof id === "string" ? id : "" };
		});
	}

	/** Gives the file this name: it is known already, or it is in limbo, or it is made. */
	#bring(message: Of<"place">, dirFd: number, name: Buffer | string): number {
		const { tree } = this.#volume;
		const { file, id } = message;
		const isDirectory = (message.node.mode & fileType.MASK) === fileType.DIRECTORY;
		const known = this.#bindings.own(file);
		if (known !== undefined) {
			const result = isDirectory ? this.#moveDirectory(known, dirFd, name) : this.#linkKnown(known, dirFd, name);
			if (result !== -errno.ESTALE && result !== -errno.ENOENT) return result;
		}
		const waiting = id === "" ? -1 : tree.refAt(tree.folderFd.limbo, limboName(id));
		if (typeof waiting === "bigint") {
			const result = tree.system.renameat2(tree.folderFd.limbo, limboName(id), dirFd, name, 0);
			if (result === 0) this.#bindings.bind(file, waiting);
			return result;
		}
		const below = id === "" ? null : this.#limbo.below(id);
		if (below !== null) {
			// A file keeps its name there too: the directory may be brought back, equal as it was.
			const result = isDirectory
				? tree.with<never>(below.parent, (fd) => tree.system.renameat2(fd, below.name, dirFd, name, 0))
				: this.#linkKnown(below.file, dirFd, name);
			if (result === 0) this.#bindings.bind(file, below.file);
			return result;
		}
		return this.#make(message, dirFd, name);
	}

	#linkKnown(own: FileRef, dirFd: number, name: Buffer | string): number {
		return this.#volume.tree.with<never>(own, (fd) => this.#volume.tree.system.linkFd(fd, dirFd, name));
	}

	#make({ request, file, id, node, target, whole }: Of<"place">, dirFd: number, name: Buffer | string): number {
		const { tree } = this.#volume;
		const made = makeFile(tree, dirFd, name, { ...node, id: id === "" || request !== 0 ? null : id, target });
		if (typeof made === "number") return made;
		const filled = whole === null ? 0 : fill(tree, made.fd, whole);
		const result = filled < 0 ? filled : tree.system.utimens(made.fd, "", node.times.atimeNs, node.times.mtimeNs);
		tree.system.close(made.fd);
		this.#bindings.bind(file, made.ref);
		this.#made = true;
		return result;
	}

	/** A file without a name on the source: it lives in the folder of kept open files, under this node's own reference. */
	#placeKept(message: Of<"place">): number {
		const { tree } = this.#volume;
		const known = this.#bindings.own(message.file);
		if (known !== undefined) {
			const kept = tree.keepByLink(known);
			if (kept !== -errno.ESTALE && kept !== -errno.ENOENT) return kept;
		}
		const temporary = `new-${message.file.toString(16)}`;
		const brought = this.#bring(message, tree.folderFd.open, temporary);
		if (brought < 0) return brought;
		const own = this.#bindings.own(message.file)!;
		return tree.system.renameat2(tree.folderFd.open, temporary, tree.folderFd.open, refAsName(own), 0);
	}

	/** A directory has one name only: found by way of its parent. */
	#moveDirectory(own: FileRef, toFd: number, name: Buffer | string): number {
		const { tree } = this.#volume;
		const parent = parentOf(tree, own);
		if (typeof parent === "number") return parent;
		return tree.with<never>(parent, (fd) => {
			const old = nameOf(tree, parent, own);
			return old === null ? -errno.ENOENT : tree.system.renameat2(fd, old, toFd, name, 0);
		});
	}

	/** Takes a name away. A second name of what is in limbo already is just removed. */
	#toLimbo(dirFd: number, name: Buffer, ref: FileRef): number {
		const { tree } = this.#volume;
		const { system, folderFd } = tree;
		const id = tree.idOf(ref);
		const waiting = limboName(typeof id === "string" ? id : `none-${refAsName(ref)}`);
		const there = tree.refAt(folderFd.limbo, waiting);
		if (there === ref) return system.unlinkat(dirFd, name, 0);
		const entry = typeof there === "number" ? waiting : `${waiting}-${refAsName(ref)}`;
		if (tree.refAt(folderFd.limbo, entry) === ref) return system.unlinkat(dirFd, name, 0);
		this.#losing.leaves(entry, ref);
		const stat = tree.stat(ref);
		if (typeof stat !== "number") this.#limbo.added(ref, stat.mode);
		return system.renameat2(dirFd, name, folderFd.limbo, entry, 0);
	}
}

/** The file or directory is gone. */
const isAbsent = (result: number): boolean => result === -errno.ESTALE || result === -errno.ENOENT;

/** What an entry is, when that is all that is asked. */
function kindOf({ mode }: Stat): Attributes {
	const nothing = { uid: 0, gid: 0, rdev: 0, size: 0n, blocks: 0, mtimeNs: 0n };
	return { mode: mode & fileType.MASK, ...nothing, xattrs: Buffer.alloc(0) };
}

const limboName = (id: string): string => id;

/** Removes what no name was found for, in the background, until `stopped` says so. */
export function emptyLimbo(context: Context, stopped: () => boolean): void {
	const left = [...context.volumes];
	context.loop.idle(() => {
		const volume = left[0];
		if (volume === undefined || stopped()) return false;
		if (!removeStep(volume, volume.tree.folderFd.limbo, removedAtOnce)) left.shift();
		return left.length > 0;
	});
}

/** Removes one entry of a private folder, with everything below it, in bounded steps; true while there is more. */
function removeStep(volume: Volume, folderFd: number, most: number): boolean {
	const { tree } = volume;
	const { system } = tree;
	let left = most;
	const clear = (fd: number): boolean => {
		for (;;) {
			const entries = system.getdents(fd);
			if (typeof entries === "number" || entries.length === 0) return true;
			for (const { name } of entries) {
				if (/^\.\.?$/.test(name.toString("latin1"))) continue;
				if (left-- <= 0) return false;
				if (!remove(fd, name)) return false;
			}
		}
	};
	const remove = (parentFd: number, name: Buffer): boolean => {
		if (system.unlinkat(parentFd, name, 0) >= 0) return true;
		const fd = system.openat(
			parentFd,
			name,
			open.RDONLY | open.CLOEXEC | system.flags.DIRECTORY | system.flags.NOFOLLOW,
		);
		if (fd < 0) return true;
		const cleared = clear(fd);
		system.close(fd);
		if (cleared) system.unlinkat(parentFd, name, at.REMOVEDIR);
		return cleared;
	};
	system.lseek(folderFd, 0, 0);
	return !clear(folderFd);
}
