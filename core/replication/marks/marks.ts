/**
 * The marks of one replicated directory (replication.md §5.4): what a change touches is on disk before the change is
 * applied. Many changes that wait share one write. All in the data thread; the writes are made by a thread of their own.
 */
import type { Coverage, FileId, FileRef } from "../operation.ts";
import { applyEntry, type Entry } from "./entries.ts";
import { Hints } from "./hints.ts";
import { isYoung, type MarkList } from "./mark.ts";
import { chunkOf, MarkSet } from "./markSet.ts";
import { Stale, statement, sum, wholeStatement } from "./statement.ts";
import { YoungFiles } from "./young.ts";

/** A change of more chunks than this marks the whole file. */
const mostChunks = 256;
/** Files, groups and directories that marks are kept of: 0.8 MiB of the file, some 8 MiB of memory. */
export const maxMarks = 32_768;
/** From here on files give their groups away for one mark of all. */
const manyMarks = 24_576;
/** More are not looked through. */
const fewDirectories = 1000;
/** Files in use that may get a mark of their own so that their directory's grows younger. */
const mostGrown = 256;

/**
 * What may differ without having been changed through the mount. Of a directory: its entries, and with `whole` the
 * content of all files in it, or of all that is below it.
 */
export type Difference = { file: FileRef; hint: FileRef } | { directory: FileRef; whole?: "files" | "below" };

/** For proofs that tests notice: `none` writes no marks, `late` writes them only when the change was made. */
export type MarkSabotage = "none" | "late" | null;
const lateMs = 1000;

/** Where marks are kept. Implemented by MarkFile. */
export interface MarkStore {
	readonly loaded: readonly Entry[] | null;
	readonly wantsAll: boolean;
	fits(entries: readonly Entry[]): boolean;
	append(entries: readonly Entry[], done: (result: number) => void): void;
	replace(entries: readonly Entry[], done: (result: number) => void): void;
}

export interface MarksOptions {
	store: MarkStore;
	/** The id that the next file gets: what a new directory mark is younger than. */
	nextId(): FileId;
	idOf(file: FileRef): FileId | null;
	/** Runs `run` in the next round, or so many milliseconds later. */
	later(run: () => void, ms?: number): void;
	/** Requests that waited for marks may be tried again. */
	onDurable(): void;
	/** Marks cannot be written: −errno. Changes that need one are refused from now on. */
	onFailed(result: number): void;
	sabotage?: MarkSabotage;
}

export class Marks implements Coverage {
	readonly #options: MarksOptions;
	/** What is on disk. */
	readonly #set = new MarkSet();
	/** What is being written, and what comes after it. */
	#writing: MarkSet | null = null;
	#next = new MarkSet();
	readonly #young = new YoungFiles();
	readonly #hints = new Hints();
	/** Entries on disk that are no longer true. */
	#stale = new Stale();
	#everything: boolean;
	/** The interval in which `everything` began to count. */
	#everythingSince = 0;
	#everythingStale = false;
	#clock: Extract<Entry, { is: "clock" }> | null = null;
	#clockStale = false;
	#idAtTurn: FileId | null = null;
	/** The other marks on disk are no longer true. */
	#cleared = false;
	/** Files are being given one mark for all their groups. */
	#widening = false;
	#posted = false;
	#failed = false;
	readonly #written: { after: number; done: () => void }[] = [];
	#writes = 0;
	/** Something was changed through this since the last `stamp`. */
	changed = false;
	/** The other server's copy was made by hand: names tell which file is which, so what moves is marked whole. */
	byName = false;

	constructor(options: MarksOptions) {
		this.#options = options;
		const { loaded } = options.store;
		this.#everything = loaded === null;
		for (const entry of loaded ?? []) {
			if (entry.is === "everything") this.#everything = entry.yes;
			else if (entry.is === "clock") this.#clock = entry;
			else applyEntry(this.#set, entry);
		}
		// What was not used in this process goes with the first checkpoint.
		this.#set.turn();
		this.#set.turn();
	}

	/** What may differ, as of now: what is on disk and what is on the way there. */
	list(): MarkList {
		const all = sum(this.#set, this.#next);
		if (this.#writing !== null) all.merge(this.#writing);
		return { everything: this.#everything, ...all.list() };
	}

	get everything(): boolean {
		return this.#everything;
	}

	/** Marked chunks. */
	get chunks(): number {
		return this.#set.chunks;
	}

	/** Files, groups and directories. */
	get size(): number {
		return this.#set.size + this.#next.size + (this.#writing?.size ?? 0);
	}

	get failed(): boolean {
		return this.#failed;
	}

	/** Until when the file says that all changes went through the mount, and whether it was taken away then. */
	get clock(): { ns: bigint; away: boolean } | null {
		return this.#clock;
	}

	content(file: FileRef, from: bigint, to: bigint): boolean {
		this.changed = true;
		const first = chunkOf(from);
		const last = to > from ? chunkOf(to - 1n) : first;
		if (last - first >= mostChunks) return this.whole(file);
		if (this.#set.coversChunks(file, first, last) || this.#young.covers(file, this.#set.interval)) return true;
		return this.#want((set) => set.addChunks(file, this.#hints.get(file), first, last));
	}

	attributes(file: FileRef): boolean {
		this.changed = true;
		if (this.#set.coversAttributes(file) || this.#young.covers(file, this.#set.interval)) return true;
		return this.#want((set) => set.addFile(file, this.#hints.get(file)));
	}

	whole(file: FileRef): boolean {
		this.changed = true;
		if (this.#set.coversWhole(file) || this.#young.covers(file, this.#set.interval)) return true;
		return this.#want((set) => set.addWhole(file, this.#hints.get(file)));
	}

	entries(directory: FileRef): boolean {
		this.changed = true;
		if (this.#set.coversEntries(directory)) return true;
		const since = this.#options.nextId();
		return this.#want((set) => set.addDirectory(directory, since));
	}

	/** A mark holds what is below a directory, or names tell which file is which: what moves needs one of its own. */
	get followsMoves(): boolean {
		return this.byName || this.#set.subtrees + this.#next.subtrees + (this.#writing?.subtrees ?? 0) > 0;
	}

	moves(directory: FileRef): boolean {
		this.changed = true;
		if (!this.followsMoves || this.#set.coversSubtree(directory)) return true;
		return this.#want((set) => set.addDirectory(directory, null, true));
	}

	leaves(file: FileRef, directory: FileRef, to: FileRef): boolean {
		this.changed = true;
		if (this.followsMoves) return this.#set.coversWhole(file) || this.#want((set) => set.addWhole(file, to));
		const mark = this.#set.directories.get(directory);
		if (mark === undefined) return true;
		// Also of an earlier process: what its marks cover by the directory must not be lost with it.
		if (!this.#young.has(file) && !isYoung(this.#options.idOf(file), mark.since)) return true;
		if (this.#set.coversWhole(file)) {
			this.#young.delete(file);
			return true;
		}
		return this.#want((set) => set.addWhole(file, to));
	}

	linked(file: FileRef, to: FileRef): boolean {
		this.changed = true;
		if (!this.followsMoves && !this.#young.has(file) && !this.#isYoungAnywhere(file)) return true;
		return this.#set.coversWhole(file) || this.#want((set) => set.addWhole(file, to));
	}

	mayBeYoung(directory: FileRef): boolean {
		return this.followsMoves || this.#set.directories.has(directory);
	}

	saw(parent: FileRef, file: FileRef): void {
		this.#hints.set(file, parent);
	}

	/** A file was made in `parent`; in a directory soon others will be, so its mark is written already. */
	made(parent: FileRef, file: FileRef, isDirectory: boolean): void {
		const directory = this.#set.directories.get(parent);
		if (isDirectory) this.entries(file);
		else if (directory !== undefined) this.#young.add(file, directory, this.#set.interval);
		this.#hints.set(file, parent);
	}

	/** A difference was found, or a change by hand: only a comparison takes this mark away. See `written`. */
	found(what: Difference): void {
		if ("file" in what) this.#next.addWhole(what.file, what.hint).lasting = true;
		else {
			const since = what.whole === undefined ? this.#options.nextId() : null;
			this.#next.addDirectory(what.directory, since, what.whole === "below").lasting = true;
		}
		this.#widen();
		this.#post();
	}

	/** Nothing is known any more: all must be compared. */
	setEverything(): void {
		this.#everythingSince = this.#set.interval;
		if (!this.#everything) this.#everythingStale = true;
		this.#everything = true;
		this.#post();
	}

	/** The other server's copy was made by hand of what is here: what differs from it is marked from here on. */
	begin(): void {
		this.#forget();
		this.#everything = false;
		this.#everythingStale = true;
		this.#post();
	}

	/** The disk's clock now: all changes until then went through the mount. */
	stamp(ns: bigint, away: boolean): void {
		this.#clock = { is: "clock", ns, away };
		this.#clockStale = true;
		this.changed = false;
		this.#post();
	}

	/** A checkpoint begins: changes from here on are later than it. */
	turn(): void {
		this.#set.turn();
		this.#next.interval = this.#set.interval;
		this.#idAtTurn = this.#options.nextId();
	}

	/**
	 * What was applied before the last `turn` is on both disks. `spare`: marks in use before it stay. `compared`: all
	 * that was marked was made equal, so `everything` goes too, unless it came later.
	 */
	prune(spare: boolean, compared = false): void {
		const removed = this.#set.prune(spare, compared);
		this.#stale.add(removed);
		if (compared && this.#everything && this.#everythingSince < this.#set.interval) {
			this.#everything = false;
			this.#everythingStale = true;
		}
		this.#grow();
		this.#post();
	}

	/** This side's changes are all with the other one: no marks are left. Everything was compared. */
	drop(): void {
		this.turn();
		this.#young.clear();
		this.prune(false, true);
	}

	/** `done` when everything said so far is on disk; or never will be, see `failed`. */
	written(done: () => void): void {
		// The write under way, the one that follows, both, or none.
		const left = this.#failed ? 0 : (this.#writing === null ? 0 : 1) + (this.#due() ? 1 : 0);
		if (left === 0) done();
		else this.#written.push({ after: this.#writes + left, done });
		this.#post();
	}

	/** By the mark of some directory: which one it is in is not known. */
	#isYoungAnywhere(file: FileRef): boolean {
		const { directories } = this.#set;
		if (directories.size === 0) return false;
		const id = this.#options.idOf(file);
		if (id === null || directories.size > fewDirectories) return true;
		return [...directories.values()].some(({ since }) => isYoung(id, since));
	}

	/** Adds a mark to the next write unless it is on its way. False: the change has to wait. */
	#want(add: (set: MarkSet) => void): boolean {
		const { sabotage } = this.#options;
		if (sabotage === "none") return true;
		add(this.#next);
		this.#widen();
		this.#post(sabotage === "late" ? lateMs : undefined);
		return sabotage === "late";
	}

	#post(ms?: number): void {
		if (this.#posted || this.#writing !== null || this.#failed) return;
		this.#posted = true;
		this.#options.later(() => {
			this.#posted = false;
			this.#flush();
		}, ms);
	}

	#due(): boolean {
		const lasting = this.#everythingStale || this.#clockStale || this.#cleared;
		return lasting || this.#next.size + this.#stale.size > 0;
	}

	#flush(): void {
		if (this.#writing !== null || this.#failed || !this.#due()) return;
		const [writing, stale, { store }] = [this.#next, this.#stale, this.#options];
		this.#writing = writing;
		this.#next = new MarkSet();
		this.#next.interval = this.#set.interval;
		this.#stale = new Stale();
		const done = (result: number): void => this.#wrote(result, writing, stale);
		const entries = [...this.#lasting(), ...statement(this.#set, writing, stale)];
		if (!store.wantsAll && !this.#cleared && store.fits(entries)) store.append(entries, done);
		else store.replace([...this.#lasting(), ...wholeStatement(this.#set, writing, stale)], done);
		this.#everythingStale = false;
		this.#clockStale = false;
		this.#cleared = false;
	}

	#wrote(result: number, writing: MarkSet, stale: Stale): void {
		this.#writes++;
		this.#writing = null;
		this.#widening = false;
		if (result < 0) {
			this.#failed = true;
			this.#options.onFailed(result);
		} else {
			this.#set.merge(writing);
			for (const [ref, { whole }] of writing.files) if (whole) this.#young.delete(ref);
			for (const [ref, since] of stale.since) this.#set.advance(ref, since);
		}
		this.#options.onDurable();
		const due = this.#written.filter(({ after }) => this.#failed || after <= this.#writes);
		for (const waiting of due) this.#written.splice(this.#written.indexOf(waiting), 1);
		for (const { done } of due) done();
		if (this.#due()) this.#post();
	}

	/** What holds beside the marks: it is small, so it is said with every write. */
	#lasting(): Entry[] {
		const everything: Entry = { is: "everything", yes: this.#everything };
		return this.#clock === null ? [everything] : [everything, this.#clock];
	}

	/**
	 * A directory in which files are made all the time would cover more and more of them: it now covers those that came
	 * after the last `turn`, and what older ones were changed since gets a mark of its own, with the same write.
	 */
	#grow(): void {
		const inUse = this.#young.grow(this.#set.interval, mostGrown);
		if (inUse === null || this.#idAtTurn === null) return;
		for (const file of inUse) this.#next.addWhole(file, this.#hints.get(file));
		for (const [ref, { since, lasting }] of this.#set.directories) {
			if (since !== null && !lasting) this.#stale.since.set(ref, this.#idAtTurn);
		}
	}

	/** Bounds what is kept: files with the most groups are marked whole; if that is not enough, nothing is known. */
	#widen(): void {
		if (this.size <= manyMarks) return;
		if (!this.#widening) {
			this.#widening = true;
			for (const [ref, hint] of this.#set.widest(manyMarks / 2)) this.#next.addWhole(ref, hint);
		}
		if (this.size <= maxMarks) return;
		this.#forget();
		this.setEverything();
	}

	#forget(): void {
		this.#set.clear();
		this.#young.clear();
		this.#next.clear();
		this.#stale = new Stale();
		this.#cleared = true;
	}
}
