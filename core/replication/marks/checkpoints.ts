/**
 * Checkpoints of a session that is complete (replication.md §5.4 rule 3), on the side that changes: both disks are
 * synced while changes go on, both record the number, and then marks of what is on both are removed.
 */
import type { Context } from "../control/context.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import type { Message } from "../wire/messages.ts";

export const checkpointMs = 5000;
const tickMs = 250;
/** More marked chunks than this (3/4 of 1024) do not wait for the next checkpoint. */
const manyChunks = 768;
/** Numbers of one term, so that those of a later term are always higher. */
const numbersInTerm = 2 ** 20;

export interface CheckpointEvents {
	send(message: Message): void;
	/** Both disks have it: the records say so now. False: they cannot be written. */
	record(number: number): boolean;
	syncFailed(result: number): void;
}

export class Checkpoints {
	readonly #context: Context;
	readonly #term: number;
	readonly #events: CheckpointEvents;
	readonly #numbers: { last: number };
	#timer: Cancel | null = null;
	#running: { number: number; own: boolean; peer: boolean; spare: boolean } | null = null;
	#lastMs = Number.NEGATIVE_INFINITY;
	/** Marked chunks that a checkpoint left: they are in use. */
	#left = 0;
	#waiting: (() => void)[] = [];
	/** Syncs that had failed before the session: what they may have lost only the other side has on its disk. */
	readonly #failures: number;

	/** @param failures of syncs, before the session. @param numbers the last one that was given: what answers one that was given up answers no other. */
	constructor(context: Context, term: number, numbers: { last: number }, failures: number, events: CheckpointEvents) {
		this.#context = context;
		this.#failures = failures;
		this.#term = term;
		this.#numbers = numbers;
		this.#events = events;
		this.#arm();
	}

	stop(): void {
		this.#timer?.cancel();
		this.#timer = null;
		this.#running = null;
		for (const done of this.#waiting.splice(0)) done();
	}

	/** A checkpoint of all that was changed until now; `done` when it is over, also when it cannot be. */
	now(done: () => void): void {
		this.#waiting.push(done);
		if (this.#running === null) this.#begin(false);
	}

	/** The other side has it on its disk. */
	answered(number: number): void {
		if (this.#running?.number !== number) return;
		this.#running.peer = true;
		this.#end();
	}

	/** Without marks nothing is due: a look in a second shows whether there are any. */
	#arm(): void {
		const { loop } = this.#context;
		this.#timer?.cancel();
		if (!this.#isMarked) this.#timer = loop.everySecond(() => this.#isMarked && this.#look());
		else this.#timer = loop.timer(tickMs, () => this.#look());
	}

	#look(): void {
		this.#arm();
		if (this.#running === null && this.#due()) this.#begin(!this.#crowded);
	}

	get #isMarked(): boolean {
		return this.#context.volumes.some(({ marks }) => marks.size > 0);
	}

	get #crowded(): boolean {
		return this.#chunks > Math.max(manyChunks, this.#left * 1.5);
	}

	get #chunks(): number {
		return this.#context.volumes.reduce((sum, { marks }) => sum + marks.chunks, 0);
	}

	#due(): boolean {
		if (this.#crowded) return true;
		return this.#isMarked && this.#context.loop.now() - this.#lastMs >= checkpointMs;
	}

	#begin(spare: boolean): void {
		const { records, volumes } = this.#context;
		const { own } = records.now.checkpoint;
		const number = Math.max(own + 1, this.#term * numbersInTerm, this.#numbers.last + 1);
		this.#numbers.last = number;
		const running = { number, own: false, peer: false, spare };
		this.#running = running;
		this.#lastMs = this.#context.loop.now();
		for (const { marks } of volumes) marks.turn();
		this.#events.send({ is: "checkpoint", number, recorded: own });
		const { disks } = this.#context;
		disks.sync(() => {
			if (this.#running !== running) return;
			const failed = disks.failure(this.#failures);
			if (failed < 0) {
				this.stop();
				this.#events.syncFailed(failed);
				return;
			}
			running.own = true;
			this.#end();
		});
	}

	#end(): void {
		const running = this.#running;
		if (running === null || !running.own || !running.peer) return;
		this.#running = null;
		if (!this.#events.record(running.number)) {
			this.stop();
			return;
		}
		if (this.#context.disks.failure() === 0) for (const { marks } of this.#context.volumes) marks.prune(running.spare);
		this.#left = this.#chunks;
		const waiting = this.#waiting.splice(0);
		// Who asked while this one ran wants one that begins later.
		if (waiting.length > 0 && running.spare) {
			this.#waiting.push(...waiting);
			this.#begin(false);
		} else for (const done of waiting) done();
	}
}
