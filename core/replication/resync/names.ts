/**
 * First half of a resync (replication.md §5.8): directories, those above others first. A directory is compared entry
 * by entry, in slices; names that the application changes meanwhile are noted and looked at once more at the end, in
 * one go, and from then on live changes in this directory are sent. Where only marked directories are compared, what
 * the target lacks is brought only when all of them were seen: by then what has moved waits in its limbo.
 */
import { SafekitError } from "../../errors.ts";
import type { FileRef } from "../operation.ts";
import type { Message } from "../wire/messages.ts";
import { Merge } from "./merge.ts";
import type { Scope } from "./scope.ts";
import { SecondNames } from "./secondNames.ts";

type Listed = Extract<Message, { is: "listed" }>;

/** Directories asked for at the same time. */
const mostAsked = 16;
const mostTries = 20;

export class Names {
	#queue: { scope: Scope; ref: FileRef }[] = [];
	/** By the pending directory above them; 0: any. */
	readonly #waiting = new Map<FileRef, { scope: Scope; ref: FileRef }[]>();
	readonly #asked = new Map<number, Merge>();
	readonly #ready: Merge[] = [];
	/** Compared but for what the target must be brought. */
	readonly #deferred: Merge[] = [];
	readonly #isFirst: boolean;
	#second: SecondNames | null = null;
	#lastRequest = 0;
	#tries = 0;
	/** Directories that were compared. */
	directories = 0;

	/** @param isFirst the target may hold files that this module never knew: they are put aside, not deleted. */
	constructor(isFirst: boolean) {
		this.#isFirst = isFirst;
	}

	get idle(): boolean {
		const left = this.#queue.length + this.#waiting.size + this.#asked.size;
		return left + this.#ready.length + this.#deferred.length === 0 && this.#second === null;
	}

	/** The target was asked something and has not answered. */
	get asks(): boolean {
		return this.#asked.size > 0;
	}

	enqueue(scope: Scope, ref: FileRef): void {
		this.#queue.push({ scope, ref });
	}

	answered(message: Listed): void {
		const merge = this.#asked.get(message.request);
		if (merge === undefined) return;
		merge.listed(message);
		if (!message.last) return;
		this.#asked.delete(message.request);
		this.#ready.push(merge);
	}

	/** The target no longer has the directory. True: this was a question of this part. */
	absent(request: number): boolean {
		const merge = this.#asked.get(request);
		if (merge === undefined) return false;
		this.#asked.delete(request);
		if (!merge.gone) throw new SafekitError("REPLICATION_LIMIT", "the other server lacks a directory that it had");
		merge.forget();
		this.#release(merge.ref);
		return true;
	}

	/** A bounded piece of work; false: nothing to do until something is answered or enqueued. */
	step(): boolean {
		this.#ask();
		const merge = this.#ready[0];
		if (merge !== undefined) {
			const state = merge.advance();
			if (state === "more") return true;
			this.#ready.shift();
			if (state === "deferred") {
				this.#deferred.push(merge);
				// What lies in it and is equal there is compared first: it may hold other names of what is missing.
				this.#release(merge.ref);
			} else this.#ended(merge);
			return true;
		}
		if (this.#queue.length + this.#asked.size > 0) return this.#queue.length > 0 && this.#asked.size < mostAsked;
		return this.#bring();
	}

	#ended({ scope, ref: directory }: Merge): void {
		this.directories++;
		scope.onDetail(directory, "is compared");
		this.#tries = 0;
		this.#release(directory);
		this.#release(0n);
	}

	#release(directory: FileRef): void {
		const freed = this.#waiting.get(directory);
		if (freed === undefined) return;
		this.#waiting.delete(directory);
		for (const each of freed) this.#queue.push(each);
	}

	#wait(scope: Scope, ref: FileRef): void {
		const waiting = this.#waiting.get(scope.blocker);
		if (waiting === undefined) this.#waiting.set(scope.blocker, [{ scope, ref }]);
		else waiting.push({ scope, ref });
	}

	/** Nothing is left to be compared without what is missing on the target. */
	#bring(): boolean {
		if (this.#second !== null) {
			if (this.#second.step()) return true;
			this.#second = null;
		}
		const merge = this.#deferred[0];
		if (merge !== undefined) {
			if (merge.scope.repairer.waiting) return false;
			this.#second = SecondNames.of(this.#deferred);
			if (this.#second !== null) return true;
			this.#deferred.shift();
			merge.bring();
			this.#ready.push(merge);
			return true;
		}
		const waiting = [...this.#waiting.values()].flat();
		if (waiting.length === 0 || waiting.some(({ scope }) => scope.repairer.waiting)) return false;
		if (++this.#tries > mostTries)
			throw new SafekitError("REPLICATION_LIMIT", "marked directories cannot be reached from the root");
		for (const scope of new Set(waiting.map((each) => each.scope)))
			for (const ref of scope.pendingDirs.keys()) this.enqueue(scope, ref);
		this.#waiting.clear();
		return true;
	}

	#ask(): void {
		while (this.#asked.size < mostAsked && this.#ready.length < mostAsked && this.#queue.length > 0) {
			const { scope, ref } = this.#queue.pop()!;
			const work = scope.pendingDirs.get(ref);
			if (scope.merging.has(ref) || scope.settled(ref) || work?.placing === true) continue;
			if (!scope.reach(ref) && !scope.binder.has(ref)) {
				if (!scope.unreachable(ref)) this.#wait(scope, ref);
				else {
					scope.pendingDirs.delete(ref);
					this.#release(ref);
				}
				continue;
			}
			const merge = new Merge(scope, ref, this.#isFirst);
			scope.merging.set(ref, merge);
			this.#asked.set(++this.#lastRequest, merge);
			const { index: dir } = scope.volume;
			scope.send({
				is: "list",
				request: this.#lastRequest,
				dir,
				file: ref,
				details: scope.everything || scope.adopting,
			});
		}
	}
}
