/** What a session does with the marks, on its source's side: replication.md §5.8 steps 1 and 5, and checkpoints. */
import type { Context } from "../control/context.ts";
import { type CheckpointEvents, Checkpoints } from "./checkpoints.ts";

export class SessionMarks {
	readonly #context: Context;
	readonly #term: number;
	readonly #events: CheckpointEvents;
	readonly #numbers = { last: 0 };
	/** Syncs that had failed before the session. */
	readonly #failures: number;
	#checkpoints: Checkpoints | null = null;
	/** Counted, so that the sync of a session that was interrupted is not taken for one of the next. */
	#finishes = 0;
	/** This disk's sync of what the target has made durable, and the end of the session's step 5. */
	#isSynced = false;
	#isComplete = false;

	constructor(context: Context, term: number, events: CheckpointEvents) {
		this.#context = context;
		this.#term = term;
		this.#events = events;
		this.#failures = context.disks.failures;
	}

	/** `go` when it is known what is to be compared, and stands in the marks: so an interrupted copy compares no less. */
	begin(everything: boolean, go: () => void): void {
		const { volumes, marksKnown } = this.#context;
		let left = volumes.length;
		if (everything) for (const { marks } of volumes) marks.setEverything();
		marksKnown(() => {
			for (const { marks } of volumes) {
				marks.written(() => {
					if (--left === 0) go();
				});
			}
		});
	}

	/** The target is told to become equal durably. Marks go only when this disk, too, has what they name. */
	finish(): void {
		const finish = ++this.#finishes;
		this.#isSynced = false;
		this.#isComplete = false;
		const { disks, volumes } = this.#context;
		for (const { marks } of volumes) marks.turn();
		disks.sync(() => {
			if (finish !== this.#finishes) return;
			const failed = disks.failure(this.#failures);
			if (failed < 0) {
				this.#events.syncFailed(failed);
				return;
			}
			this.#isSynced = true;
			this.#drop();
		});
	}

	/** §5.8 step 5: `alone` is removed. */
	complete(): void {
		this.#isComplete = true;
		this.#drop();
	}

	/** The link is back. */
	resume(): void {
		if (this.#isComplete && this.#isSynced) this.#keep();
	}

	/** The link is gone; `over`: for good, or the copy begins again. */
	stop(over: boolean): void {
		this.#checkpoints?.stop();
		this.#checkpoints = null;
		if (over) this.#finishes++;
	}

	/** The target has this checkpoint. */
	answered(number: number): void {
		this.#checkpoints?.answered(number);
	}

	/** A checkpoint of everything, for a planned stop; `done` comes in any case. */
	checkpoint(done: () => void): void {
		if (this.#checkpoints === null) done();
		else this.#checkpoints.now(done);
	}

	#drop(): void {
		if (!this.#isSynced || !this.#isComplete) return;
		const { disks, volumes } = this.#context;
		// What this disk may have lost stays marked: after a crash it is compared with the other side's.
		if (disks.failure() === 0) for (const { marks } of volumes) marks.prune(false, true);
		this.#keep();
	}

	#keep(): void {
		this.#checkpoints?.stop();
		this.#checkpoints = new Checkpoints(this.#context, this.#term, this.#numbers, this.#failures, this.#events);
	}
}
