/** How far a resync of one replicated directory has come: what is known, done, or just being looked at. */
import { SafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import { errno, errnoName, type as fileType } from "../errno.ts";
import type { Channel } from "../link/channel.ts";
import type { FileId, FileRef, Operation } from "../operation.ts";
import type { Stat } from "../system.ts";
import { maxData } from "../wire/limits.ts";
import type { Message } from "../wire/messages.ts";
import { RefTable } from "../wire/refTable.ts";
import { extendedAttributes } from "./look.ts";

/** A directory whose entries are being compared: names changed meanwhile are looked at once more at the end. */
export interface Merging {
	dirty: Map<string, Buffer>;
}

/** A file whose content is being compared: below `cursor` both sides have the same, and live changes are sent. */
export interface ActiveFile {
	cursor: bigint;
	/** Grows when what the target was asked is no longer what it has. */
	generation: number;
	/** Something live was sent: times and size are set at the end in any case. */
	touched: boolean;
}

/** Operations of the resync, with a number of their own. */
export interface Numbered {
	repair(volume: Volume, operation: Operation): void;
	nextId(): FileId;
}

export class Scope {
	readonly context: Context;
	readonly volume: Volume;
	readonly #channel: Channel;
	readonly #numbered: Numbered;
	/** Directories with equal names; live changes of names in them are sent. */
	readonly doneDirs = new RefTable();
	/** Everything else with equal content and attributes. */
	readonly doneFiles = new RefTable();
	/** The target has a binding for these. */
	readonly known = new RefTable();
	readonly merging = new Map<FileRef, Merging>();
	readonly active = new Map<FileRef, ActiveFile>();
	/** Something was placed or found and must be compared next. */
	onDirectory: (ref: FileRef) => void = () => {};
	onFile: (ref: FileRef, size: number) => void = () => {};

	constructor(context: Context, volume: Volume, channel: Channel, numbered: Numbered) {
		this.context = context;
		this.volume = volume;
		this.#channel = channel;
		this.#numbered = numbered;
	}

	send(message: Message): void {
		this.#channel.send(message);
	}

	repair(operation: Operation): void {
		this.#numbered.repair(this.volume, operation);
	}

	/** The file's id; one that has none gets it now. "": it could not be given one. */
	identify(fd: number, ref: FileRef): FileId {
		const { tree } = this.volume;
		const known = tree.idOfFd(fd, ref);
		if (typeof known === "string") return known;
		if (typeof known === "number") throw unusable("a file id cannot be read", known);
		const id = this.#numbered.nextId();
		const result = tree.setId(fd, ref, id);
		if (result < 0) throw unusable("a file id cannot be stored", result);
		return id;
	}

	/**
	 * Makes the target have this entry, whatever it has there now, and lets the file itself be compared. `parent` 0n:
	 * the folder of kept open files. False: the file is gone.
	 */
	place(parent: FileRef, name: Buffer, ref: FileRef): boolean {
		const { tree } = this.volume;
		const fd = tree.openPath(ref);
		if (isGone(fd)) return false;
		try {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") throw unusable("a file cannot be looked at", stat);
			const id = this.identify(fd, ref);
			const isLink = (stat.mode & fileType.MASK) === fileType.LINK;
			const target = isLink ? tree.system.readlinkat(fd, "") : Buffer.alloc(0);
			if (typeof target === "number") throw unusable("a symbolic link cannot be read", target);
			const { mode, uid, gid, rdev, atimeNs, mtimeNs } = stat;
			const node = { mode, uid, gid, rdev, times: { atimeNs, mtimeNs } };
			this.send({ is: "place", dir: this.volume.index, parent, name, file: ref, id, node, target });
			this.known.add(ref);
			this.follow(ref, fd, stat, true);
			return true;
		} finally {
			tree.system.close(fd);
		}
	}

	/** What comes after an entry is right: its content, or (other kinds of file) its attributes. */
	follow(ref: FileRef, fd: number, stat: Stat, differs: boolean): void {
		const kind = stat.mode & fileType.MASK;
		if (kind === fileType.DIRECTORY) {
			if (!this.doneDirs.has(ref)) this.onDirectory(ref);
		} else if (kind === fileType.FILE) {
			if (!this.doneFiles.has(ref)) this.onFile(ref, stat.size);
		} else if (!this.doneFiles.has(ref)) {
			this.doneFiles.add(ref);
			if (differs) this.setAttributes(ref, fd, stat, true);
		}
	}

	/** Owner, mode and times as they are here; `all`: the extended attributes too. */
	setAttributes(file: FileRef, fd: number, stat: Stat, all: boolean): void {
		const { mode, uid, gid, atimeNs, mtimeNs } = stat;
		const ownMode = (mode & fileType.MASK) === fileType.LINK ? {} : { mode };
		if (all) {
			const entries = extendedAttributes(this.volume.tree, fd);
			const bytes = entries.reduce((sum, { name, value }) => sum + name.length + value.length + 8, 0);
			if (bytes > maxData)
				throw new SafekitError(
					"REPLICATION_LIMIT",
					`a file has ${bytes} bytes of extended attributes, at most ${maxData}`,
				);
			this.send({ is: "xattrs", dir: this.volume.index, file, entries });
		}
		this.repair({ op: "setattr", file, ...ownMode, uid, gid, times: { atimeNs, mtimeNs } });
	}

	/** The name must not exist on the target. */
	limbo(parent: FileRef, name: Buffer): void {
		this.send({ is: "limbo", dir: this.volume.index, parent, name });
	}

	/** After entries of a finished directory were repaired: its times as they are here. */
	settleDirectory(ref: FileRef): void {
		const stat = this.volume.tree.stat(ref);
		if (typeof stat === "number") return;
		const times = { atimeNs: stat.atimeNs, mtimeNs: stat.mtimeNs };
		this.repair({ op: "setattr", file: ref, times });
	}

	/** The current entry `name` of a directory; a negative number: there is none. */
	lookup(directory: FileRef, name: Buffer): FileRef | number {
		const found = this.volume.tree.with<FileRef>(directory, (fd) => this.volume.tree.refAt(fd, name));
		if (typeof found === "number") isGone(found);
		return found;
	}
}

/**
 * True when an error says that the file is not there any more; false for no error. Any other (too many open files, a
 * failing disk) says nothing about the file, which would be missing on the target if it counted as gone.
 * @throws SafekitError REPLICATION_DISK.
 */
export function isGone(result: number): boolean {
	if (result >= 0) return false;
	if (result !== -errno.ENOENT && result !== -errno.ESTALE) throw unusable("a file cannot be looked at", result);
	return true;
}

/** What ends the session: this side's own files cannot be read or written. */
export function unusable(what: string, result: number): SafekitError {
	return new SafekitError("REPLICATION_DISK", `${what} (${errnoName(result)})`);
}
