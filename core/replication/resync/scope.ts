/** How far a resync of one replicated directory has come: what is pending, done, or just being looked at. */

import { SafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import { type as fileType } from "../errno.ts";
import type { Channel } from "../link/channel.ts";
import { refAsName } from "../local/handles.ts";
import { isDirectory } from "../local/tree.ts";
import type { FileId, FileRef, Operation } from "../operation.ts";
import type { Binder } from "../primary/binder.ts";
import type { Stat } from "../system.ts";
import { InodeSet } from "../wire/inodeSet.ts";
import type { Message } from "../wire/messages.ts";
import { Covered } from "./covered.ts";
import { FileWork } from "./fileWork.ts";
import { isGone, unusable } from "./gone.ts";
import { Repairer } from "./repairer.ts";
import type { TheirMarks } from "./theirMarks.ts";
import { type DirectoryWork, mergedWork } from "./young.ts";

/** A directory whose entries are being compared: names changed meanwhile are looked at once more at the end. */
export interface Merging {
	dirty: Map<string, Buffer>;
}

/** Operations of the resync, with a number of their own. */
export interface Numbered {
	readonly binders: readonly Binder[];
	repair(volume: Volume, operation: Operation): void;
	numbered(make: (seq: number) => Message): void;
	nextId(): FileId;
}

export class Scope {
	readonly context: Context;
	readonly volume: Volume;
	readonly binder: Binder;
	readonly repairer: Repairer;
	readonly covered = new Covered(this);
	readonly #channel: Channel;
	readonly #numbered: Numbered;
	/** All is pending until it is compared; otherwise only what is in the tables of pending things. */
	everything: boolean;
	/** The session has ended: what it had ordered may still be heard of, and must not get into the next one. */
	over = false;
	/** Both sides' marks are known; before that nothing may be sent. */
	ready: boolean;
	theirs: TheirMarks | null = null;
	/** The target's copy was made by hand: a file without an id is the one that has its name here. */
	adopting = false;
	/** What was changed since then is compared, whatever marks say. */
	sinceNs: bigint | null = null;
	/** With `everything`. */
	readonly doneDirs = new InodeSet();
	readonly doneFiles = new InodeSet();
	/** Otherwise. */
	readonly pendingDirs = new Map<FileRef, DirectoryWork>();
	readonly pendingFiles = new Map<FileRef, FileWork>();
	readonly merging = new Map<FileRef, Merging>();
	readonly active = new Map<FileRef, FileWork>();
	/** Files with several names whose other names were searched for. */
	readonly searched = new InodeSet();
	/** Directories that held marked files. */
	readonly hints = new Map<FileRef, FileRef>();
	/** How often a marked file was looked for in vain. */
	readonly misses = new Map<FileRef, number>();
	/** Directories that were read for names. */
	looked = 0;
	/** A name of a file that was looked for. */
	readonly found = (file: FileRef, parent: FileRef, name: Buffer): void => this.volume.names.note(file, parent, name);
	/** What the last `reach` failed for: a directory that is not settled; 0: something else. */
	blocker: FileRef = 0n;
	/** Must be compared next. */
	onDirectory: (ref: FileRef) => void = () => {};
	onFile: (ref: FileRef, bytes: number) => void = () => {};
	/** Something that was waited for is on disk here. */
	onMarked: () => void = () => {};
	/** What was done with a file or directory, for a person who wants to know. */
	onDetail: (ref: FileRef, what: string) => void = () => {};
	/** Was sent whole, without a question. */
	onSent: (bytes: number) => void = () => {};

	constructor(context: Context, volume: Volume, channel: Channel, numbered: Numbered, everything: boolean) {
		this.context = context;
		this.volume = volume;
		this.#channel = channel;
		this.#numbered = numbered;
		this.binder = numbered.binders[volume.index]!;
		this.everything = this.ready = everything;
		this.repairer = new Repairer(this);
	}

	send(message: Message): void {
		if (this.over) return;
		this.#introduce(message);
		this.#channel.send(message);
	}

	repair(operation: Operation): void {
		this.#numbered.repair(this.volume, operation);
	}

	/** Sends what has a number like an operation, so that it is counted until the target has received it. */
	sendNumbered(make: (seq: number) => Message): void {
		this.#introduce(make(0));
		this.#numbered.numbered(make);
	}

	/** What the message names, the target may have been told to forget; and it must be told of what it is to forget. */
	#introduce(message: Message): void {
		for (const operation of this.binder.takenBack()) this.#numbered.repair(this.volume, operation);
		const ref = "parent" in message ? message.parent : message.is !== "bind" && "file" in message ? message.file : 0n;
		if (ref === 0n || this.binder.has(ref)) return;
		const chain = this.binder.introduction(ref, true);
		// What has no name any more: what is said of it leads nowhere, and its being gone is said too.
		if (typeof chain === "string") return;
		for (const bind of chain) {
			this.#numbered.repair(this.volume, bind);
			if (bind.op === "bind") this.binder.add(bind.file);
		}
	}

	/** Nothing is known of what differs. Nothing was sent yet. */
	becomeEverything(): void {
		this.everything = this.ready = true;
		this.pendingDirs.clear();
		this.pendingFiles.clear();
		this.onDirectory(this.volume.tree.rootRef);
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

	/** Names in it are equal on both sides, and the target knows it: live changes of names in it are sent. */
	directoryDone(ref: FileRef): boolean {
		if (this.merging.has(ref)) return false;
		if (this.ready && this.settled(ref) && this.reach(ref)) return true;
		// With `everything` it is found from above, unless it was done already.
		if (!this.everything || this.doneDirs.has(ref)) this.pendDirectory(ref);
		return false;
	}

	/** Content and attributes are equal, and the target knows the file. */
	fileDone(ref: FileRef): boolean {
		if (!this.ready || this.active.has(ref)) return false;
		const done = this.everything ? this.doneFiles.has(ref) : !this.pendingFiles.has(ref);
		if (!done) return false;
		if (this.reach(ref)) return true;
		if (this.everything) this.pendFile(ref, (work) => work.addAll());
		return false;
	}

	/** Names in it are not, or no longer, pending. */
	settled(directory: FileRef): boolean {
		if (this.merging.has(directory)) return false;
		return this.everything ? this.doneDirs.has(directory) : !this.pendingDirs.has(directory);
	}

	/**
	 * Introduces the file to the target if all directories above it are settled. False: they are not, it has no name
	 * that can be found quickly, or its being introduced has shown that it is pending.
	 */
	reach(ref: FileRef): boolean {
		if (this.binder.has(ref)) return true;
		this.blocker = 0n;
		const chain = this.binder.introduction(ref, false);
		if (typeof chain === "string") return false;
		for (const bind of chain) {
			if (bind.op !== "bind" || bind.parent === 0n || this.#excluded(bind.parent, bind.name)) return false;
			if (!this.settled(bind.parent)) {
				this.blocker = bind.parent;
				return false;
			}
			this.repair(bind);
			this.binder.add(bind.file);
			// It was pending all the time.
			if (this.claim(bind.id, bind.file)) return false;
		}
		return true;
	}

	/** The file with this id was met. True: the target's marks name it, or covered it where it was: it is pending. */
	claim(id: FileId, ref: FileRef): boolean {
		const marked = this.theirs?.claim(id, ref) === true;
		return this.covered.met(id, ref) || marked;
	}

	/** It has no name, or none that is replicated: there is nothing to compare. */
	unreachable(ref: FileRef): boolean {
		const chain = this.binder.introduction(ref, false);
		if (typeof chain === "string") return chain === "gone";
		return chain.some((bind) => bind.op === "bind" && bind.parent !== 0n && this.#excluded(bind.parent, bind.name));
	}

	#excluded(parent: FileRef, name: Buffer): boolean {
		const { exclusion, tree } = this.volume;
		return !exclusion.empty && exclusion.excludesIn(tree, parent, name, true);
	}

	/** Its entries and attributes are to be compared, and what `work` says besides. */
	pendDirectory(ref: FileRef, work: Partial<DirectoryWork> = {}): void {
		this.covered.asked(work);
		if (this.everything) {
			this.doneDirs.delete(ref);
		} else {
			const before = this.pendingDirs.get(ref);
			this.pendingDirs.set(ref, mergedWork(before, { ...work, wanted: true }));
			if (before?.wanted === true || before?.placing === true) return;
		}
		this.onDirectory(ref);
	}

	/** Parts of it are to be compared. */
	pendFile(ref: FileRef, add: (work: FileWork) => void): void {
		const active = this.active.get(ref);
		if (active !== undefined) {
			active.touched = true;
			add(active);
			return;
		}
		if (this.everything) this.doneFiles.delete(ref);
		const work = this.pendingFiles.get(ref) ?? new FileWork();
		add(work);
		this.pendingFiles.set(ref, work);
		if (work.queued) return;
		work.queued = true;
		const stat = this.volume.tree.stat(ref);
		this.onFile(ref, typeof stat === "number" ? 0 : work.bytes(BigInt(stat.size)));
	}

	/** Content and attributes are equal from here on. */
	fileEqual(ref: FileRef): void {
		this.active.delete(ref);
		this.pendingFiles.delete(ref);
		if (this.everything) this.doneFiles.add(ref);
	}

	/** What comes after an entry is right: its content, or (other kinds of file) its attributes. */
	follow(ref: FileRef, fd: number, stat: Stat, differs: boolean): void {
		const kind = stat.mode & fileType.MASK;
		if (kind === fileType.DIRECTORY) {
			if (!this.settled(ref)) this.onDirectory(ref);
		} else if (kind === fileType.FILE) {
			if (!this.doneFiles.has(ref)) this.pendFile(ref, (work) => work.addAll());
		} else if (!this.doneFiles.has(ref)) {
			this.doneFiles.add(ref);
			if (differs) this.repairer.setAttributes(ref, fd, stat, true);
		}
	}

	/** A live change has made this file in a directory that is done: so is it; otherwise its inode is a new one. */
	made(ref: FileRef, mode: number, done: boolean): void {
		if (!this.everything) return;
		const set = isDirectory(mode) ? this.doneDirs : this.doneFiles;
		for (const each of [this.doneDirs, this.doneFiles]) each.delete(ref);
		if (done) set.add(ref);
	}

	/** @throws SafekitError REPLICATION_LIMIT when something is still pending. */
	assertCompared(): void {
		const { pendingDirs, pendingFiles, merging, active } = this;
		const left = [...pendingDirs.keys(), ...pendingFiles.keys(), ...merging.keys(), ...active.keys()];
		if (left.length === 0) return;
		const what = `${left.length} marked files or directories were not compared, ${refAsName(left[0]!)} among them`;
		throw new SafekitError("REPLICATION_LIMIT", what);
	}

	/** The name must not exist on the target. */
	limbo(parent: FileRef, name: Buffer): void {
		this.send({ is: "limbo", dir: this.volume.index, parent, name });
	}

	/** The current entry `name` of a directory; a negative number: there is none. */
	lookup(directory: FileRef, name: Buffer): FileRef | number {
		const found = this.volume.tree.with<FileRef>(directory, (fd) => this.volume.tree.refAt(fd, name));
		if (typeof found === "number") isGone(found);
		return found;
	}
}
