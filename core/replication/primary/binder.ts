/**
 * Which files the peer knows by reference in this session, and how the others are introduced to it: by their name and
 * id, parents first (replication.md §5.2). At most 1,000,000; beyond that the least used are taken back.
 */
import { SafekitError } from "../../errors.ts";
import { at, errno, errnoName } from "../errno.ts";
import { Finder, nameOf, parentOf } from "../local/finder.ts";
import { refAsName } from "../local/handles.ts";
import type { NameMemory, Place } from "../local/nameMemory.ts";
import { isDirectory, type Tree } from "../local/tree.ts";
import type { FileRef, Operation } from "../operation.ts";
import { maxBindings } from "../wire/limits.ts";
import { RefTable } from "../wire/refTable.ts";

/** Levels of directories. A deeper tree cannot be made by a path, but by steps. */
const mostLevels = 4096;
const sweepSlots = 512;
/** From half of the limit on each new one moves the hand by so many slots: so nobody waits for a whole round of it. */
const steadySlots = 16;
/** Directory entries that are looked at for a name that nobody remembers, in one go. */
const searchSteps = 2000;
/** `search`: no name is known without a search; `gone`: it has no name. */
export type Unnamed = "search" | "gone";

export class Binder {
	readonly #tree: Tree;
	readonly #names: NameMemory;
	/** 1: used since the hand came by. */
	readonly #bound = new RefTable();
	readonly #most: number;
	#hand = 0;
	#unbinds: Operation[] = [];

	constructor(tree: Tree, names: NameMemory, most = maxBindings) {
		this.#tree = tree;
		this.#names = names;
		this.#most = most;
	}

	get size(): number {
		return this.#bound.size;
	}

	/** A session begins: the peer knows the root only, once it was told. */
	clear(): void {
		this.#bound.clear();
		this.#unbinds = [];
		this.#hand = 0;
	}

	/** The peer knows it. */
	has(file: FileRef): boolean {
		const used = this.#bound.get(file);
		if (used === 0n) this.#bound.set(file, 1n);
		return used !== undefined;
	}

	/** The peer learns of it by what is sent now. */
	add(file: FileRef): void {
		if (this.#bound.size * 2 > this.#most && !this.#bound.has(file)) {
			if (this.#bound.size >= this.#most) this.#takeBack();
			else for (const [other] of this.#slots(steadySlots)) this.#bound.set(other, 0n);
		}
		if (this.#unbinds.length > 0) this.#unbinds = this.#unbinds.filter((unbind) => !isOf(unbind, file));
		this.#bound.set(file, 1n);
	}

	/** What the peer may forget; it counts as sent. */
	takenBack(): Operation[] {
		const taken = this.#unbinds;
		if (taken.length > 0) this.#unbinds = [];
		return taken;
	}

	/**
	 * The operations that introduce everything this one names, parents first, and take others back; they count as sent.
	 * @returns a file that no name was found for, instead.
	 */
	before(operation: Operation): Operation[] | { unnamed: FileRef } {
		const sent = this.takenBack();
		for (const file of named(operation)) {
			if (this.has(file)) continue;
			const chain = this.introduction(file, true);
			if (typeof chain === "string") return { unnamed: file };
			for (const bind of chain) {
				sent.push(bind);
				if (bind.op === "bind") this.add(bind.file);
			}
		}
		if (operation.op === "make" || operation.op === "makeUnnamed") this.add(operation.file);
		else if (operation.op === "dropOpen") this.#bound.delete(operation.file);
		else if (operation.op === "unlink" && operation.keep) this.add(operation.file);
		else if (operation.op === "rename" && operation.keep !== null) this.add(operation.keep);
		return sent;
	}

	/** What would have to be sent so that the peer knows this file. `search`: also where that takes reading directories. */
	introduction(file: FileRef, search: boolean): Operation[] | Unnamed {
		const chain: Operation[] = [];
		for (let level = 0, at = file; !this.has(at); level++) {
			const place = level < mostLevels ? this.place(at, search && level === 0) : "gone";
			if (typeof place === "string") return place;
			const id = this.#tree.idOf(at);
			if (typeof id === "number") return gone(id);
			chain.unshift({ op: "bind", parent: place.parent, name: place.name, file: at, id: id ?? "" });
			if (place.parent === 0n) break;
			at = place.parent;
		}
		return chain;
	}

	/**
	 * Where a file is now; `parent` 0: among the kept open files.
	 * @throws SafekitError REPLICATION_DISK when that cannot be said.
	 */
	place(file: FileRef, search: boolean): Place | Unnamed {
		const seen = this.#names.where(file);
		if (seen !== undefined && this.#leads(seen, file)) return seen;
		const stat = this.#tree.stat(file);
		if (typeof stat === "number") return gone(stat);
		if (stat.nlink === 0) return "gone";
		if (isDirectory(stat.mode)) {
			const parent = parentOf(this.#tree, file);
			if (typeof parent === "number") return gone(parent);
			const name = nameOf(this.#tree, parent, file);
			return name === null ? "gone" : this.#remember(file, { parent, name });
		}
		if (this.#isKept(file)) return { parent: 0n, name: Buffer.from("open") };
		const cached = this.#cached(file);
		if (cached !== null) return this.#remember(file, cached);
		return search ? this.#search(file) : "search";
	}

	/** A file without a name: it could not be introduced again once it is closed. */
	#isKept(file: FileRef): boolean {
		return this.#tree.refAt(this.#tree.folderFd.open, refAsName(file)) === file;
	}

	#remember(file: FileRef, place: Place): Place {
		this.#names.note(file, place.parent, place.name);
		return place;
	}

	#leads({ parent, name }: Place, file: FileRef): boolean {
		return this.#tree.with<FileRef>(parent, (fd) => this.#tree.refAt(fd, name)) === file;
	}

	/** The kernel's own cache of names often knows the file. */
	#cached(file: FileRef): Place | null {
		const { system, path, rootRef } = this.#tree;
		const text = this.#tree.with<Buffer>(file, (fd) => system.readlinkat(at.FDCWD, `/proc/self/fd/${fd}`));
		const prefix = Buffer.from(path.endsWith("/") ? path : `${path}/`);
		if (typeof text === "number" || !text.subarray(0, prefix.length).equals(prefix)) return null;
		const names = split(text.subarray(prefix.length));
		const name = names.pop()!;
		let parent = rootRef;
		for (const step of names) {
			const next = this.#tree.with<FileRef>(parent, (fd) => this.#tree.refAt(fd, step));
			if (typeof next === "number") return null;
			parent = next;
		}
		const place = { parent, name };
		return this.#leads(place, file) ? place : null;
	}

	/** The last resort: bounded, since the data thread stands still meanwhile. */
	#search(file: FileRef): Place | Unnamed {
		const found: Place[] = [];
		const finder = new Finder(this.#tree, false, (_, parent, name) => found.push({ parent, name }));
		finder.want(file, this.#names.where(file)?.parent ?? 0n);
		let more = true;
		for (let step = 0; more && step < searchSteps; step++) more = finder.step();
		finder.close();
		if (found[0] !== undefined) return this.#remember(file, found[0]);
		return more ? "search" : "gone";
	}

	/** The least used go: those that the hand finds unused since it came by last. */
	#takeBack(): void {
		for (let rounds = 0; rounds < 3 * Math.ceil((4 * this.#most) / sweepSlots) + 3; rounds++) {
			let taken = 0;
			for (const [file, used] of this.#slots(sweepSlots)) {
				if (used === 1n) {
					this.#bound.set(file, 0n);
					continue;
				}
				if (file === this.#tree.rootRef || this.#isKept(file)) continue;
				this.#bound.delete(file);
				this.#unbinds.push({ op: "unbind", file });
				taken++;
			}
			if (taken > 0) return;
		}
	}

	/** The next ones that the hand comes by. */
	#slots(count: number): [FileRef, FileRef][] {
		const slots = this.#bound.slots(this.#hand, count);
		this.#hand = slots === null ? 0 : this.#hand + count;
		return slots ?? [];
	}
}

/** @throws SafekitError REPLICATION_DISK when the error says nothing about the file. */
function gone(result: number): "gone" {
	if (result === -errno.ENOENT || result === -errno.ESTALE) return "gone";
	throw new SafekitError("REPLICATION_DISK", `a file cannot be looked at (${errnoName(result)})`);
}

const isOf = (operation: Operation, file: FileRef): boolean => operation.op === "unbind" && operation.file === file;

function split(path: Buffer): Buffer[] {
	const names: Buffer[] = [];
	for (let start = 0; start <= path.length; ) {
		const slash = path.indexOf(0x2f, start);
		const end = slash < 0 ? path.length : slash;
		names.push(path.subarray(start, end));
		start = end + 1;
	}
	return names;
}

/** The files that must be known to the peer for this operation. What is removed is known by its name. */
function named(operation: Operation): FileRef[] {
	switch (operation.op) {
		case "make":
		case "unlink":
		case "rmdir":
			return [operation.parent];
		case "link":
			return [operation.parent, operation.file];
		case "rename":
			return [operation.parent, operation.newParent];
		case "bind":
		case "unbind":
		case "makeUnnamed":
			return [];
		default:
			return [operation.file];
	}
}
