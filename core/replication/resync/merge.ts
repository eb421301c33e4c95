/** One directory that is being compared. */
import { errno, type as fileType } from "../errno.ts";
import type { Entry } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";
import type { Stat } from "../system.ts";
import type { ListedEntry, Message } from "../wire/messages.ts";
import { isGone, unusable } from "./gone.ts";
import { attributesOf, sameOwner } from "./look.ts";
import type { Merging, Scope } from "./scope.ts";
import { type DirectoryWork, isNew, isWhole, isYoung } from "./young.ts";

type Listed = Extract<Message, { is: "listed" }>;

/** The last names, changed while the rest was compared, are looked at in one go if they are no more than these. */
const finalNames = 500;
const atOnce = 100;
/** Entries that wait to be brought; more are brought at once, as copies where they were moved. */
const mostMissing = 100_000;
const everyFile: DirectoryWork = { all: true, since: [], subtree: true, walk: false, wanted: true, placing: false };

export class Merge implements Merging {
	readonly scope: Scope;
	readonly ref: FileRef;
	readonly dirty = new Map<string, Buffer>();
	readonly #isFirst: boolean;
	readonly #work: DirectoryWork;
	/** What the target has, by name. Filled by its answers. */
	#theirs = new Map<string, ListedEntry>();
	#own: Listed["own"] | null = null;
	#ours: Entry[] | null = null;
	#at = 0;
	#extras: ListedEntry[] = [];
	/** Not on the target under this name, but perhaps under another. */
	#missing: Buffer[] = [];
	/** In a copy made by hand: what is not as it would be if it were the same. */
	#doubtful: FileRef[] = [];
	#bringing = false;
	#repaired = false;

	constructor(scope: Scope, ref: FileRef, isFirst: boolean) {
		this.scope = scope;
		this.ref = ref;
		this.#isFirst = isFirst;
		this.#work = scope.pendingDirs.get(ref) ?? everyFile;
	}

	get gone(): boolean {
		return typeof this.scope.volume.tree.stat(this.ref) === "number";
	}

	/** The missing entries, as they are now. */
	*missing(): Iterable<FileRef> {
		for (const name of this.#missing) {
			const ref = this.scope.lookup(this.ref, name);
			if (typeof ref === "bigint") yield ref;
		}
	}

	listed(message: Listed): void {
		this.#own = message.own;
		for (const entry of message.entries) {
			this.#theirs.set(entry.name.toString("latin1"), { ...entry, name: Buffer.from(entry.name) });
		}
	}

	/** The directory does not exist any more. */
	forget(): void {
		this.scope.merging.delete(this.ref);
		this.scope.pendingDirs.delete(this.ref);
	}

	/** From now on what is missing is brought. */
	bring(): void {
		this.#bringing = true;
	}

	/** A bounded piece. `done`: the directory is equal, or gone; `deferred`: until `bring`. */
	advance(): "more" | "deferred" | "done" {
		const fd = this.scope.volume.tree.openDirectory(this.ref);
		if (isGone(fd)) {
			this.forget();
			return "done";
		}
		try {
			return this.#advance(fd);
		} finally {
			this.scope.volume.tree.system.close(fd);
		}
	}

	#advance(fd: number): "more" | "deferred" | "done" {
		if (this.#ours === null) {
			this.#begin(fd);
		} else if (this.#extras.length > 0) {
			for (const extra of this.#extras.splice(-200)) {
				this.scope.covered.leftThere(extra, this.#work);
				this.scope.limbo(this.ref, extra.name);
			}
		} else if (this.#at < this.#ours.length) {
			const batch = this.#ours.slice(this.#at, this.#at + atOnce);
			this.#at += batch.length;
			for (const entry of batch) this.#compare(fd, entry.name);
		} else if (this.#missing.length + this.#doubtful.length > 0) {
			this.#theirs.clear();
			this.#ours = [];
			this.#at = 0;
			if (!this.#bringing) {
				if (this.scope.adopting && !this.scope.everything) this.scope.repairer.distrust(this.ref);
				return "deferred";
			}
			for (const ref of this.#doubtful.splice(-atOnce)) this.scope.pendFile(ref, (work) => work.addAll());
			for (const name of this.#missing.splice(-atOnce).reverse()) this.#place(name);
		} else return this.#end(fd) ? "done" : "more";
		return "more";
	}

	/** Lists this side, and sends away first what only the target has: a moved file is then found in limbo. */
	#begin(fd: number): void {
		const { scope, ref } = this;
		const { tree, exclusion } = scope.volume;
		const listed = tree.list(ref);
		if (typeof listed === "number") throw unusable("a directory cannot be read", listed);
		const left = (name: Buffer, isDirectory: boolean) => exclusion.excludesIn(tree, ref, name, isDirectory);
		const ours = exclusion.empty ? listed : listed.filter((entry) => !left(entry.name, entry.type === 4));
		this.#ours = ours;
		if (!exclusion.empty) {
			for (const [key, { name, attributes }] of this.#theirs) {
				if (left(name, (attributes.mode & fileType.MASK) === fileType.DIRECTORY)) this.#theirs.delete(key);
			}
		}
		if (ref === tree.rootRef && this.#isFirst && this.#theirs.size > 0 && !this.#related(fd, ours)) {
			scope.send({ is: "foreign", dir: scope.volume.index });
			this.#theirs.clear();
			this.#repaired = true;
		}
		const names = new Set(ours.map((entry) => entry.name.toString("latin1")));
		this.#extras = [...this.#theirs].filter(([key]) => !names.has(key)).map(([, entry]) => entry);
		this.#repaired ||= this.#extras.length > 0;
	}

	/** Whether any file in the root of both sides has the same id. */
	#related(fd: number, ours: Entry[]): boolean {
		const { tree } = this.scope.volume;
		const theirs = new Set([...this.#theirs.values()].map((entry) => entry.id).filter((id) => id !== ""));
		return ours.some(({ name }) => {
			const ref = tree.refAt(fd, name);
			const id = typeof ref === "number" ? ref : tree.idOf(ref);
			if (typeof id === "number") return id !== -errno.EXDEV && !isGone(id);
			return id !== null && theirs.has(id);
		});
	}

	/** One name of this side, as it is here now. */
	#compare(dirFd: number, name: Buffer): void {
		const { scope } = this;
		const { tree } = scope.volume;
		const ref = tree.refAt(dirFd, name);
		if (typeof ref === "number") {
			if (ref !== -errno.EXDEV) isGone(ref);
			return;
		}
		const theirs = this.#theirs.get(name.toString("latin1"));
		const fd = tree.openPath(ref);
		if (isGone(fd)) return;
		try {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") throw unusable("a file cannot be looked at", stat);
			const sameKind = theirs !== undefined && ((stat.mode ^ theirs.attributes.mode) & fileType.MASK) === 0;
			const ownId = tree.idOfFd(fd, ref);
			const isNamed = typeof ownId === "string";
			const id = isNamed ? ownId : scope.identify(fd, ref);
			// A file that the target knows already may stand there a second time, as a copy with the same id.
			const known = scope.binder.has(ref);
			const adopts = scope.adopting && theirs?.id === "" && sameKind && hasContent(stat);
			if (known || !sameKind || (theirs.id !== id && !adopts) || (theirs.id === "" && !adopts)) {
				this.#repaired = true;
				if (theirs !== undefined) scope.covered.leftThere(theirs, this.#work);
				if (this.#mustWait(ref, stat, id, known)) {
					// What has the name there makes room first: something else may wait for it under its own name.
					if (theirs !== undefined) scope.limbo(this.ref, name);
					this.#missing.push(Buffer.from(name));
				} else scope.repairer.placeOpen(this.ref, name, { ref, fd, stat, id });
				return;
			}
			scope.send({ is: "bind", dir: scope.volume.index, file: ref, own: theirs.own });
			scope.binder.add(ref);
			if (adopts) scope.send({ is: "identify", dir: scope.volume.index, file: ref, id });
			this.#follow(ref, fd, stat, { ...theirs, id }, isNamed);
		} finally {
			tree.system.close(fd);
		}
	}

	/** Brought later: another directory that is still to be seen may hold it on the target. */
	#mustWait(ref: FileRef, stat: Stat, id: string, known: boolean): boolean {
		if (this.scope.adopting && !this.scope.everything) return true;
		if (this.scope.everything || known || this.#missing.length >= mostMissing) return false;
		if ((stat.mode & fileType.MASK) !== fileType.DIRECTORY && stat.nlink > 1) return true;
		return id !== "" && !isNew(this.#work, id) && !this.scope.binder.has(ref);
	}

	/** The entry is equal. */
	#follow(ref: FileRef, fd: number, stat: Stat, { id, attributes }: ListedEntry, isNamed: boolean): void {
		const { scope } = this;
		if (scope.everything) {
			const own = attributesOf(scope.volume.tree, fd, stat);
			const same = sameOwner(own, attributes) && own.xattrs.equals(attributes.xattrs);
			scope.follow(ref, fd, stat, !same || own.mtimeNs !== attributes.mtimeNs);
			return;
		}
		scope.claim(id, ref);
		const kind = stat.mode & fileType.MASK;
		if (kind === fileType.DIRECTORY) {
			const { subtree, walk } = this.#work;
			if (subtree || walk) scope.pendDirectory(ref, { subtree, walk });
		} else if (!isYoung(this.#work, id) || (this.#work.walk && !isNamed && !isWhole(this.#work))) {
			// What got its id only now is older than all ids.
			if (this.#work.walk) this.#trust(ref, fd, stat, attributes);
		} else if (kind === fileType.FILE) scope.pendFile(ref, (work) => work.addAll());
		else scope.repairer.setAttributes(ref, fd, stat, true);
	}

	/** In a copy made by hand, what no mark names is equal if it looks equal. What is marked is compared where it is. */
	#trust(ref: FileRef, fd: number, stat: Stat, theirs: ListedEntry["attributes"]): void {
		const { scope } = this;
		const isLate = scope.sinceNs !== null && (stat.ctimeNs >= scope.sinceNs || stat.mtimeNs >= scope.sinceNs);
		if (!isLate && (scope.pendingFiles.has(ref) || scope.active.has(ref))) return;
		const own = attributesOf(scope.volume.tree, fd, stat);
		const same = sameOwner(own, theirs) && own.xattrs.equals(theirs.xattrs) && own.mtimeNs === theirs.mtimeNs;
		if (same && own.size === theirs.size && !isLate) return;
		if ((stat.mode & fileType.MASK) === fileType.FILE) this.#doubtful.push(ref);
		else scope.repairer.setAttributes(ref, fd, stat, true);
	}

	#place(name: Buffer, ref = this.scope.lookup(this.ref, name)): void {
		if (typeof ref !== "bigint") return;
		if (this.#canPlace(ref)) {
			this.scope.repairer.place(this.ref, name, ref);
			return;
		}
		this.#missing.push(name);
		this.#bringing = false;
	}

	/** The names that changed meanwhile, then the directory itself; from here on it is equal. */
	#end(fd: number): boolean {
		const { scope, ref } = this;
		const { tree } = scope.volume;
		const isLast = this.dirty.size <= finalNames;
		for (const [key, name] of [...this.dirty].slice(0, finalNames)) {
			this.dirty.delete(key);
			this.#repaired = true;
			const now = tree.refAt(fd, name);
			if (typeof now === "bigint") {
				this.#place(name, now);
			}
			// What is not replicated never comes here: the mount keeps it to itself.
			else if (now !== -errno.EXDEV && isGone(now)) scope.limbo(ref, name);
		}
		if (!isLast || this.#missing.length + this.#doubtful.length > 0) return false;
		const stat = tree.system.stat(fd, "");
		if (typeof stat === "number") throw unusable("a directory cannot be looked at", stat);
		const own = attributesOf(tree, fd, stat);
		const theirs = this.#own!;
		const sameExtended = own.xattrs.equals(theirs.xattrs);
		if (this.#repaired || !sameExtended || !sameOwner(own, theirs) || own.mtimeNs !== theirs.mtimeNs)
			scope.repairer.setAttributes(ref, fd, stat, !sameExtended);
		this.#done();
		return true;
	}

	/** A file with several names must be known by another of them, or it would become two. */
	#canPlace(ref: FileRef): boolean {
		if (this.scope.everything || this.scope.binder.has(ref) || this.scope.searched.has(ref)) return true;
		const stat = this.scope.volume.tree.stat(ref);
		return typeof stat === "number" || stat.nlink === 1 || (stat.mode & fileType.MASK) === fileType.DIRECTORY;
	}

	#done(): void {
		const { scope, ref } = this;
		scope.merging.delete(ref);
		if (scope.everything) {
			scope.doneDirs.add(ref);
			return;
		}
		// A mark of the target that was understood only meanwhile.
		if (scope.pendingDirs.get(ref) !== this.#work) scope.onDirectory(ref);
		else scope.pendingDirs.delete(ref);
	}
}

/** What can be known again by its name alone; anything else costs nothing to make anew. */
function hasContent({ mode }: Stat): boolean {
	const kind = mode & fileType.MASK;
	return kind === fileType.DIRECTORY || kind === fileType.FILE;
}
