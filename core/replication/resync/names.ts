/**
 * First half of a resync (replication.md §5.8): directories from the root down. A directory is compared entry by
 * entry, in slices; names that the application changes meanwhile are noted and looked at once more at the end, in
 * one go, and from then on live changes in this directory are sent.
 */

import { errno } from "../errno.ts";
import type { Entry } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";
import type { ListedEntry, Message } from "../wire/messages.ts";
import { attributesOf, sameOwner } from "./look.ts";
import { isGone, type Merging, type Scope, unusable } from "./scope.ts";

type Listed = Extract<Message, { is: "listed" }>;

/** Directories asked for at the same time. */
const asked = 16;
/** The last names, changed while the rest was compared, are looked at in one go if they are no more than these. */
const finalNames = 500;

interface Merge extends Merging {
	scope: Scope;
	ref: FileRef;
	/** What the target has, by name. Filled by its answers. */
	theirs: Map<string, ListedEntry>;
	own: Listed["own"] | null;
	complete: boolean;
	ours: Entry[] | null;
	at: number;
	extras: ListedEntry[];
	repaired: boolean;
}

export class Names {
	#queue: { scope: Scope; ref: FileRef }[] = [];
	readonly #asked = new Map<number, Merge>();
	readonly #ready: Merge[] = [];
	readonly #isFirst: boolean;
	#lastRequest = 0;

	/** @param isFirst the target may hold files that this module never knew: they are put aside, not deleted. */
	constructor(isFirst: boolean) {
		this.#isFirst = isFirst;
	}

	get idle(): boolean {
		return this.#queue.length === 0 && this.#asked.size === 0 && this.#ready.length === 0;
	}

	enqueue(scope: Scope, ref: FileRef): void {
		this.#queue.push({ scope, ref });
	}

	answered(message: Listed): void {
		const merge = this.#asked.get(message.request);
		if (merge === undefined) return;
		merge.own = message.own;
		for (const entry of message.entries) {
			merge.theirs.set(entry.name.toString("latin1"), { ...entry, name: Buffer.from(entry.name) });
		}
		if (!message.last) return;
		merge.complete = true;
		this.#asked.delete(message.request);
		this.#ready.push(merge);
	}

	/** A bounded piece of work; false: nothing to do until something is answered or enqueued. */
	step(): boolean {
		this.#ask();
		const merge = this.#ready[0];
		if (merge === undefined) return false;
		if (this.#advance(merge)) this.#ready.shift();
		return true;
	}

	#ask(): void {
		while (this.#asked.size < asked && this.#ready.length < asked && this.#queue.length > 0) {
			const { scope, ref } = this.#queue.pop()!;
			if (scope.doneDirs.has(ref) || scope.merging.has(ref)) continue;
			const merge: Merge = {
				...{ scope, ref, theirs: new Map(), own: null, complete: false, ours: null, at: 0 },
				...{ extras: [], repaired: false, dirty: new Map() },
			};
			scope.merging.set(ref, merge);
			this.#asked.set(++this.#lastRequest, merge);
			scope.send({ is: "list", request: this.#lastRequest, dir: scope.volume.index, file: ref });
		}
	}

	/** True: this directory is done (or gone). */
	#advance(merge: Merge): boolean {
		const { scope, ref } = merge;
		const fd = scope.volume.tree.openDirectory(ref);
		if (isGone(fd)) {
			scope.merging.delete(ref);
			return true;
		}
		try {
			if (merge.ours === null) {
				this.#begin(merge, fd);
				return false;
			}
			if (merge.extras.length > 0) {
				for (const extra of merge.extras.splice(-200)) scope.limbo(ref, extra.name);
				return false;
			}
			if (merge.at < merge.ours.length) {
				const batch = merge.ours.slice(merge.at, merge.at + 100);
				merge.at += batch.length;
				for (const entry of batch) this.#compare(merge, fd, entry.name);
				return false;
			}
			return this.#end(merge, fd);
		} finally {
			scope.volume.tree.system.close(fd);
		}
	}

	/** Lists this side, and sends away first what only the target has: a moved file is then found in limbo. */
	#begin(merge: Merge, fd: number): void {
		const { scope, ref } = merge;
		const { tree, exclusion } = scope.volume;
		const listed = tree.list(ref);
		if (typeof listed === "number") throw unusable("a directory cannot be read", listed);
		const left = (name: Buffer, isDirectory: boolean) => exclusion.excludesIn(tree, ref, name, isDirectory);
		merge.ours = exclusion.empty ? listed : listed.filter((entry) => !left(entry.name, entry.type === 4));
		if (!exclusion.empty) {
			for (const [key, { name, attributes }] of merge.theirs) {
				if (left(name, (attributes.mode & 0o170000) === 0o040000)) merge.theirs.delete(key);
			}
		}
		if (ref === tree.rootRef && this.#isFirst && merge.theirs.size > 0 && !this.#related(merge, fd)) {
			scope.send({ is: "foreign", dir: scope.volume.index });
			merge.theirs.clear();
			merge.repaired = true;
		}
		const ours = new Set(merge.ours.map((entry) => entry.name.toString("latin1")));
		merge.extras = [...merge.theirs].filter(([key]) => !ours.has(key)).map(([, entry]) => entry);
		merge.repaired ||= merge.extras.length > 0;
	}

	/** Whether any file in the root of both sides has the same id. */
	#related(merge: Merge, fd: number): boolean {
		const { tree } = merge.scope.volume;
		const theirs = new Set([...merge.theirs.values()].map((entry) => entry.id).filter((id) => id !== ""));
		return merge.ours!.some(({ name }) => {
			const ref = tree.refAt(fd, name);
			const id = typeof ref === "number" ? ref : tree.idOf(ref);
			if (typeof id === "number") return id !== -errno.EXDEV && !isGone(id);
			return id !== null && theirs.has(id);
		});
	}

	/** One name as it is here now. */
	#compare(merge: Merge, dirFd: number, name: Buffer): void {
		const { scope } = merge;
		const { tree } = scope.volume;
		const ref = tree.refAt(dirFd, name);
		if (typeof ref === "number") {
			if (ref !== -errno.EXDEV) isGone(ref);
			return;
		}
		const theirs = merge.theirs.get(name.toString("latin1"));
		const fd = tree.openPath(ref);
		if (isGone(fd)) return;
		try {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") throw unusable("a file cannot be looked at", stat);
			const sameKind = theirs !== undefined && ((stat.mode ^ theirs.attributes.mode) & 0o170000) === 0;
			// A file that the target knows already may stand there a second time, as a copy with the same id.
			const known = scope.known.has(ref);
			if (known || !sameKind || theirs.id === "" || theirs.id !== scope.identify(fd, ref)) {
				if (scope.place(merge.ref, name, ref)) merge.repaired = true;
				return;
			}
			scope.send({ is: "bind", dir: scope.volume.index, file: ref, own: theirs.own });
			scope.known.add(ref);
			const own = attributesOf(tree, fd, stat);
			const same = sameOwner(own, theirs.attributes) && own.xattrs.equals(theirs.attributes.xattrs);
			scope.follow(ref, fd, stat, !same || own.mtimeNs !== theirs.attributes.mtimeNs);
		} finally {
			tree.system.close(fd);
		}
	}

	/** The names that changed meanwhile, then the directory itself; from here on it is equal. */
	#end(merge: Merge, fd: number): boolean {
		const { scope, ref } = merge;
		const { tree } = scope.volume;
		const isLast = merge.dirty.size <= finalNames;
		for (const [key, name] of [...merge.dirty].slice(0, finalNames)) {
			merge.dirty.delete(key);
			merge.repaired = true;
			const now = tree.refAt(fd, name);
			// What is not replicated never comes here: the mount keeps it to itself.
			if (typeof now === "bigint") scope.place(ref, name, now);
			else if (now !== -errno.EXDEV && isGone(now)) scope.limbo(ref, name);
		}
		if (!isLast) return false;
		const stat = tree.system.stat(fd, "");
		if (typeof stat === "number") throw unusable("a directory cannot be looked at", stat);
		const own = attributesOf(tree, fd, stat);
		const theirs = merge.own!;
		const sameExtended = own.xattrs.equals(theirs.xattrs);
		if (merge.repaired || !sameExtended || !sameOwner(own, theirs) || own.mtimeNs !== theirs.mtimeNs)
			scope.setAttributes(ref, fd, stat, !sameExtended);
		scope.merging.delete(ref);
		scope.doneDirs.add(ref);
		return true;
	}
}
