/**
 * syncfs of the replicated file systems. An error of writing back is reported by the kernel once, to whoever asks
 * first, and the pages count as clean from then on: so one sync runs at a time, and no failure is forgotten because
 * nobody waited for that sync any more.
 */
import { errno } from "../errno.ts";
import type { Tree } from "../local/tree.ts";
import type { Syncers } from "../loop/syncers.ts";

export class Disks {
	readonly #trees: readonly Tree[];
	readonly #syncers: Pick<Syncers, "run">;
	readonly #failed: () => void;
	#waiting: (() => void)[] = [];
	#running = false;
	#failures = 0;
	/** So many of the failures are made good. */
	#good = 0;
	#last = -errno.EIO;

	/** @param failed a sync has failed, whether anybody waits for it or not: what is kept across processes must say so. */
	constructor(trees: readonly Tree[], syncers: Pick<Syncers, "run">, failed: () => void) {
		this.#trees = trees;
		this.#syncers = syncers;
		this.#failed = failed;
	}

	/** Syncs that failed, in this process. */
	get failures(): number {
		return this.#failures;
	}

	/** −errno when a sync has failed after so many others, 0 when none has. By default: one that was not made good. */
	failure(after = this.#good): number {
		return this.#failures > after ? this.#last : 0;
	}

	/** What the first so many failures may have lost was compared with what the disk has. */
	madeGood(failures: number): void {
		this.#good = Math.max(this.#good, failures);
	}

	/** `done` when a sync that began after this call has ended; `failure` says how. */
	sync(done: () => void): void {
		this.#waiting.push(done);
		if (!this.#running) this.#begin();
	}

	#begin(): void {
		const told = this.#waiting.splice(0);
		let [left, failed] = [this.#trees.length, false];
		this.#running = true;
		for (const { rootFd } of this.#trees) {
			this.#syncers.run({ do: "syncfs", fd: rootFd }, (result) => {
				if (result < 0) {
					failed = true;
					this.#last = result;
				}
				if (--left > 0) return;
				this.#running = false;
				if (failed) {
					this.#failures++;
					this.#failed();
				}
				for (const done of told) done();
				if (!this.#running && this.#waiting.length > 0) this.#begin();
			});
		}
	}
}
