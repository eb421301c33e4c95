/**
 * The target's queue: what arrived is acknowledged at once (`async="none"`: when it is on disk) and applied in its
 * order, in slices. What was received is an exact prefix of what the source did. The first error stops everything.
 */

import type { Epoch } from "../../engine/replication.ts";
import { asSafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import { errno, errnoName, open } from "../errno.ts";
import type { Channel } from "../link/channel.ts";
import { Applier } from "../local/apply.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import type { FileRef, Operation } from "../operation.ts";
import type { Salvage } from "../quarantine/salvage.ts";
import { applyQueueBytes, messageCost } from "../wire/limits.ts";
import type { Message } from "../wire/messages.ts";
import { passed } from "../wire/passing.ts";
import { RefBindings } from "./bindings.ts";
import { type Difference, describe, differenceOf } from "./difference.ts";
import { Repairs } from "./repairs.ts";
import { Teller } from "./teller.ts";

const sliceMs = 0.2;
const everyByte = 1n << 62n;

/** What the session on this side must know of. */
export interface ReceiverEvents {
	/** §5.8 step 4: everything before was applied and synced. */
	finish(epoch: Epoch): void;
	promotable(files: number, bytes: number): void;
	/** Everything before was applied: §5.4 rule 3. */
	checkpoint(number: number, recorded: number): void;
	/** Something cannot be applied: nothing more will be. */
	broken(why: string, differs: Difference | null): void;
}

interface Side {
	volume: Volume;
	bindings: RefBindings;
	applier: Applier;
	repairs: Repairs;
	teller: Teller;
}

export class Receiver {
	readonly #context: Context;
	readonly #events: ReceiverEvents;
	readonly #sides: Side[];
	readonly #salvage: Salvage;
	#channel: Channel | null = null;
	#queue: { message: Message; bytes: number }[] = [];
	#head = 0;
	#queuedBytes = 0;
	#received = 0;
	#applied = 0;
	/** async="none": on disk up to this number. */
	#syncedUpTo = 0;
	#ackPosted = false;
	#withheld = false;
	#syncing = false;
	#task: Cancel | null = null;
	#stopped = false;
	/** An answer that takes several slices; nothing is applied meanwhile. */
	#answering: { message: Message; steps: Generator<void, number | undefined> } | null = null;
	#drained: (() => void)[] = [];
	/** Syncs that had failed before. */
	readonly #failures: number;

	/** @param cold what the cache holds of the files may never have reached the disk. */
	constructor(context: Context, salvage: Salvage, cold: boolean, events: ReceiverEvents) {
		this.#context = context;
		this.#failures = context.disks.failures;
		this.#salvage = salvage;
		this.#events = events;
		this.#sides = context.volumes.map((volume) => {
			const bindings = new RefBindings();
			return {
				volume,
				bindings,
				applier: new Applier(volume.tree, bindings, volume.exclusion),
				repairs: new Repairs(volume, bindings, cold, {
					leaves: (entry, ref) => this.#salvage.putAside(volume, entry, ref),
					changes: (ref) => this.#salvage.active && this.#salvage.keep(volume, ref, 0n, everyByte),
				}),
				teller: new Teller(volume),
			};
		});
	}

	/** The last number received: everything up to it is here. */
	get received(): number {
		return this.#received;
	}

	/** What the source may answer to its callers: with `async="none"` it is on disk. */
	get acknowledged(): number {
		return this.#context.config.async === "none" ? this.#syncedUpTo : this.#received;
	}

	/** Something could not be applied, or the receiver was given up. */
	get stopped(): boolean {
		return this.#stopped;
	}

	/** null: no link. A new one begins with what was acknowledged, since the last word may have been lost. */
	attach(channel: Channel | null): void {
		this.#channel = channel;
		if (this.acknowledged > 0) channel?.send({ is: "received", seq: this.acknowledged });
	}

	/** Nothing more is applied. */
	stop(): void {
		this.#stopped = true;
		this.#queue = [];
		this.#head = 0;
		this.#queuedBytes = 0;
		this.#answering = null;
		this.#task?.cancel();
		this.#task = null;
		for (const { applier } of this.#sides) applier.close();
		for (const done of this.#drained.splice(0)) done();
	}

	/** Calls `done` when everything received so far was applied, or nothing more ever will be. */
	drain(done: () => void): void {
		if (this.#stopped || (this.#head >= this.#queue.length && this.#answering === null)) done();
		else this.#drained.push(done);
	}

	take(message: Message, bytes: number): void {
		if (this.#stopped) return;
		if (message.is === "operation" || message.is === "place") {
			const isSync = message.is === "operation" && message.operation.op === "sync";
			// A sync whose answer was lost is done again; anything else counts once.
			if (message.seq <= this.#received && !isSync) return;
			this.#received = Math.max(this.#received, message.seq);
			// A sync is answered when it is done: nobody waits to hear that it came.
			if (this.#context.config.async === "second" && !isSync) this.#acknowledge();
		}
		this.#queue.push({ message, bytes: bytes + messageCost });
		this.#queuedBytes += bytes + messageCost;
		this.#task ??= this.#context.loop.idle(() => this.#slice());
	}

	/** One acknowledgement for everything that came in this round. A full queue gives none: the source's window fills. */
	#acknowledge(): void {
		this.#withheld = this.#queuedBytes > applyQueueBytes;
		if (this.#ackPosted || this.#withheld) return;
		this.#ackPosted = true;
		this.#context.loop.post(() => {
			this.#ackPosted = false;
			this.#channel?.send({ is: "received", seq: this.#received });
			this.#channel?.flush();
		});
	}

	#slice(): boolean {
		const until = this.#context.loop.now() + sliceMs;
		while (this.#context.loop.now() < until) {
			if (this.#answering !== null) {
				this.#goOn();
				if (this.#stopped) return false;
				continue;
			}
			if (this.#head >= this.#queue.length) break;
			const { message, bytes } = this.#queue[this.#head]!;
			this.#head++;
			this.#queuedBytes -= bytes;
			this.#handle(message);
			if (this.#stopped) return false;
		}
		if (this.#head > 4096 && this.#head * 2 > this.#queue.length) {
			this.#queue = this.#queue.slice(this.#head);
			this.#head = 0;
		}
		if (!this.#settle()) return false;
		if (this.#withheld && this.#queuedBytes < applyQueueBytes / 2) this.#acknowledge();
		if (this.#context.config.async === "none") this.#syncApplied();
		for (const { volume } of this.#sides) volume.marks.changed = true;
		if (this.#head < this.#queue.length || this.#answering !== null) return true;
		this.#queue = [];
		this.#head = 0;
		this.#task = null;
		for (const done of this.#drained.splice(0)) done();
		return false;
	}

	/** What was changed by hand here is among the marks: a question that comes before is taken again later. */
	#whenKnown(message: Message, tell: () => void): void {
		let isLater = false;
		this.#context.marksKnown(() => (isLater ? this.take(message, 0) : tell()));
		isLater = true;
	}

	#tell(side: Side, message: Extract<Message, { is: "tellMarks" }>): void {
		const { request, dir, indexes } = message;
		const steps = side.teller.tell(indexes, (marks, last, everything) =>
			this.#channel?.send({ is: "marks", request, dir, last, everything, marks }),
		) as Generator<void, undefined>;
		this.#answering = { message, steps };
	}

	/** Times that files owe after their last change. False: the disk has failed. */
	#settle(): boolean {
		for (const { applier } of this.#sides) {
			const result = applier.settle();
			if (result < 0) this.#break("times", errnoName(result));
		}
		return !this.#stopped;
	}

	#handle(message: Message): void {
		// Whatever else is done looks at files, or takes them away.
		if (message.is !== "operation") for (const { applier } of this.#sides) applier.close();
		this.#try(message, () => this.#dispatch(message));
	}

	#goOn(): void {
		const { message, steps } = this.#answering!;
		this.#try(message, () => {
			const next = steps.next();
			if (!next.done) return 0;
			this.#answering = null;
			return next.value ?? 0;
		});
	}

	#try(message: Message, run: () => number): void {
		try {
			const result = run();
			if (result < 0) this.#break(describe(message), errnoName(result), differenceOf(message));
		} catch (error) {
			const known = asSafekitError(error);
			if (known.code === "INTERNAL") throw error;
			this.#break(describe(message), known.message);
		}
	}

	#break(what: string, why: string, differs: Difference | null = null): void {
		this.stop();
		this.#events.broken(`${what}: ${why}`, differs);
	}

	#dispatch(message: Message): number {
		switch (message.is) {
			case "finish":
				this.#events.finish(message.epoch);
				return 0;
			case "promotable":
				this.#events.promotable(message.files, message.bytes);
				return 0;
			case "checkpoint":
				this.#events.checkpoint(message.number, message.recorded);
				return 0;
			case "operation":
			case "bind":
			case "place":
			case "identify":
			case "limbo":
			case "xattrs":
			case "foreign":
			case "list":
			case "compare":
			case "tellMarks": {
				const side = this.#sides[message.dir];
				return side === undefined ? -errno.ESTALE : this.#onSide(side, message);
			}
			default:
				return -errno.EINVAL;
		}
	}

	#onSide(side: Side, message: Extract<Message, { dir: number }>): number {
		switch (message.is) {
			case "operation":
				return this.#apply(side, message.seq, message.operation);
			case "bind":
				return side.repairs.bind(message);
			case "place":
				return this.#place(side, message);
			case "identify":
				return side.repairs.identify(message);
			case "limbo":
				return side.repairs.limbo(message);
			case "xattrs":
				return side.repairs.xattrs(message);
			case "foreign":
				return this.#salvage.foreign(side.volume, side.repairs);
			case "list": {
				const { request } = message;
				const steps = side.repairs.list(message, (own, entries, last) => {
					if (own === null) this.#channel?.send({ is: "absent", request });
					else this.#channel?.send({ is: "listed", request, last, own, entries });
				});
				this.#answering = { message, steps };
				return 0;
			}
			case "tellMarks": {
				this.#whenKnown(message, () => this.#tell(side, message));
				return 0;
			}
			case "compare": {
				const { request } = message;
				return side.repairs.compare(message, (own, digests) => {
					if (own === null) this.#channel?.send({ is: "absent", request });
					else this.#channel?.send({ is: "compared", request, own, digests });
				});
			}
			default:
				return -errno.EINVAL;
		}
	}

	#place(side: Side, message: Extract<Message, { is: "place" }>): number {
		const result = side.repairs.place(message);
		const { request, dir, seq } = message;
		if (result >= 0) this.#applied = seq;
		if (result >= 0 && request !== 0) this.#channel?.send({ is: "placed", request, dir, made: side.repairs.made });
		return result;
	}

	#apply(side: Side, seq: number, operation: Operation): number {
		if (operation.op === "sync") {
			this.#sync(side, seq, operation.file, operation.dataOnly);
			return 0;
		}
		if (this.#salvage.active) this.#keepBefore(side, operation);
		const result = side.applier.apply(operation);
		if (result >= 0) this.#applied = seq;
		if (operation.op === "write") passed(operation.data);
		return Math.min(result, 0);
	}

	/** Quarantine: what a repair overwrites or cuts off. */
	#keepBefore({ volume, bindings }: Side, operation: Operation): void {
		if (operation.op !== "write" && operation.op !== "truncate" && operation.op !== "fallocate") return;
		const own = bindings.own(operation.file);
		if (own === undefined) return;
		if (operation.op === "truncate") this.#salvage.keep(volume, own, operation.size, everyByte);
		else if (operation.op === "write") this.#salvage.keep(volume, own, operation.offset, BigInt(operation.data.length));
		else this.#salvage.keep(volume, own, operation.offset, operation.length);
	}

	/** fsync of the application: earlier operations are applied, so the file is synced in another thread. */
	#sync({ volume, bindings, applier }: Side, seq: number, file: FileRef, dataOnly: boolean): void {
		if (!this.#settle()) return;
		const { system } = volume.tree;
		const own = bindings.own(file);
		// A device, a pipe, or a file that is gone: the whole file system is synced instead.
		const known = own === undefined ? undefined : applier.fdOf(own);
		const fd =
			known !== undefined ? system.dup(known) : own === undefined ? -errno.ESTALE : this.#openPlain(volume, own);
		if (fd < 0) {
			const { disks } = this.#context;
			disks.sync(() => this.#synced(seq, disks.failure(this.#failures)));
			return;
		}
		this.#context.syncers.run({ do: dataOnly ? "fdatasync" : "fsync", fd }, (result) => {
			system.close(fd);
			this.#synced(seq, result);
		});
	}

	#synced(seq: number, result: number): void {
		if (this.#stopped) return;
		if (result < 0) {
			this.#break("sync", errnoName(result));
			return;
		}
		this.#channel?.send({ is: "synced", seq });
		this.#channel?.flush();
	}

	#openPlain({ tree }: Volume, own: FileRef): number {
		const stat = tree.stat(own);
		const kind = typeof stat === "number" ? 0 : stat.mode & 0o170000;
		return kind === 0o100000 || kind === 0o040000 ? tree.open(own, open.RDONLY) : -1;
	}

	/** async="none": one syncfs for everything that was applied while the last one ran, then the acknowledgement. */
	#syncApplied(): void {
		if (this.#syncing || this.#applied <= this.#syncedUpTo) return;
		this.#syncing = true;
		const upTo = this.#applied;
		const { disks } = this.#context;
		disks.sync(() => {
			this.#syncing = false;
			if (this.#stopped) return;
			const failed = disks.failure(this.#failures);
			if (failed < 0) {
				this.#break("syncfs", errnoName(failed));
				return;
			}
			this.#syncedUpTo = upTo;
			this.#channel?.send({ is: "received", seq: upTo });
			this.#channel?.flush();
			this.#syncApplied();
		});
	}
}
