/**
 * The side that changes: numbers what was applied, sends it, and answers the application when that is safe
 * (replication.md §5.2, §5.5). All in the data thread: between local effect, number and queue nothing can come.
 */
import { SafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import { errno, errnoName } from "../errno.ts";
import type { Channel } from "../link/channel.ts";
import { refAsName } from "../local/handles.ts";
import { isDirectory } from "../local/tree.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import type { ChangeSink, FileId, FileRef, Operation } from "../operation.ts";
import { maxSendBytes, windowBytes } from "../wire/limits.ts";
import { encodeMessage, type Message } from "../wire/messages.ts";
import { Binder } from "./binder.ts";
import { Unreceived, Window } from "./window.ts";

/**
 * - `readOnly`: a secondary, or nothing yet: changes are refused with EROFS.
 * - `alone`: acknowledged at once; a resync may run beside it.
 * - `paired`: acknowledged when the peer has it.
 * - `frozen`: the peer is lost, permission is not there: changes are parked, nothing is acknowledged.
 * - `failed`: permission did not come: EIO.
 */
export type PrimaryMode = "readOnly" | "alone" | "paired" | "frozen" | "failed";

/** What a running resync makes of a change on this side: the messages that the target needs of it. */
export interface LiveFilter {
	live(volume: Volume, operation: Operation): Message[];
}

/** `OPENSAFE_SABOTAGE=early-ack`: so long the peer lacks what was acknowledged already. */
const sabotageDelayMs = 200;

/** A larger write travels in pieces of this size. */
const pieceBytes = 256 * 1024;
const settled = (): void => {};

export class Primary {
	readonly #context: Context;
	/** What the peer knows by reference, of each replicated directory. */
	readonly binders: readonly Binder[];
	readonly #window = new Window();
	readonly #unreceived = new Unreceived();
	readonly #earlyAck: boolean;
	#mode: PrimaryMode = "readOnly";
	#channel: Channel | null = null;
	#filter: LiveFilter | null = null;
	/** Number of the last operation in this process; file ids count separately. */
	#seq = 0;
	#term = 0;
	#lastId: number;
	#parked = false;
	/** Since when changes find no room without a break, null: there is room. */
	#crowdedMs: number | null = null;
	#watchdog: Cancel | null = null;
	/** Set by the session: an answer is late. */
	onLate: (why: string) => void = () => {};
	/** Set by the session: a change cannot be told to the peer, which from now on lacks it. */
	onUntold: (why: string) => void = () => {};

	constructor(context: Context, earlyAck: boolean) {
		this.#context = context;
		this.#earlyAck = earlyAck;
		this.binders = context.volumes.map(({ tree, names }) => new Binder(tree, names));
		// Ids never repeat, also when a process starts again in the same term: they begin at the time in microseconds.
		this.#lastId = Date.now() * 1000;
	}

	get mode(): PrimaryMode {
		return this.#mode;
	}

	get seq(): number {
		return this.#seq;
	}

	/**
	 * Sends an operation of a resync, numbered like any other.
	 * @throws SafekitError REPLICATION_LIMIT when a file that it names cannot be introduced to the peer.
	 */
	repair(volume: Volume, given: Operation): void {
		const before = this.binders[volume.index]!.before(given);
		if (!Array.isArray(before)) throw new SafekitError("REPLICATION_LIMIT", unnamed(before.unnamed));
		for (const operation of [...before, given])
			this.numbered((seq) => ({ is: "operation", dir: volume.index, seq, operation }));
	}

	/** Nobody waits for it; counted until the peer has received it, so that its queue stays bounded. */
	numbered(make: (seq: number) => Message): void {
		if (this.#channel === null) return;
		this.#unreceived.add(++this.#seq, this.#channel.send(make(this.#seq)));
	}

	/** In a complete session: the peer gets to know a file, in the order of the changes. */
	introduce(volume: Volume, bind: Operation & { op: "bind" }): void {
		const binder = this.binders[volume.index]!;
		if (this.#channel === null || binder.has(bind.file)) return;
		if (!this.#introduce(volume, bind)) return;
		this.#await(volume, bind, settled);
		binder.add(bind.file);
	}

	/** Operations whose callers wait. */
	get waiting(): number {
		return this.#window.size;
	}

	/** The FUSE server of one directory hands its changes over here. */
	sink(volume: Volume): ChangeSink {
		return {
			gate: () => this.#gate(),
			marks: volume.marks,
			nextId: () => this.nextId(),
			submit: (operation, acknowledge) => this.#submit(volume, operation, acknowledge),
			diskFailed: (result) => this.#diskFailed(volume, result),
		};
	}

	/**
	 * §5.9: what the kernel could not write it takes for clean from now on, so nothing is acknowledged after that while
	 * the peer has everything: it takes over. Alone it is as on a local disk, but no seal will say that all is here.
	 */
	#diskFailed({ tree }: Volume, result: number): void {
		this.#context.records.markFailed();
		if (this.#mode !== "paired" && this.#mode !== "frozen") return;
		this.fail();
		this.#context.fact({ fact: "diskFailed", message: `${tree.path}: ${errnoName(result)}` });
	}

	/** The id that the next file gets. */
	get followingId(): FileId {
		return `${this.#term}.${this.#context.config.nodeIndex}.${this.#lastId + 1}`;
	}

	/** A new file id: also for files that a resync finds without one. */
	nextId(): FileId {
		return `${this.#term}.${this.#context.config.nodeIndex}.${++this.#lastId}`;
	}

	/** Becomes writable without a peer, or with one that is still being copied to. */
	serveAlone(term: number): void {
		this.#term = term;
		this.#set("alone");
	}

	/** What a process that died served goes on, once it is known under which term: changes wait. */
	hold(): void {
		this.#set("frozen");
	}

	readOnly(): void {
		this.#set("readOnly");
	}

	/** A term under which files without id get one although nothing is served yet. */
	set term(term: number) {
		this.#term = term;
	}

	/** A resync runs over this channel: changes are still acknowledged at once. */
	copying(channel: Channel, filter: LiveFilter): void {
		this.#channel = channel;
		this.#filter = filter;
	}

	/** §5.8 step 4: from now on every change waits for the target's receipt. */
	pair(channel: Channel): void {
		this.#channel = channel;
		this.#filter = null;
		if (this.#mode === "alone") this.#set("paired");
	}

	/** The session completed without this side serving yet. */
	servePaired(term: number): void {
		this.#term = term;
		this.#set("paired");
	}

	/** The link is gone while alone: nothing waits for it. */
	unlink(): void {
		this.#unreceived.clear();
		this.#channel = null;
		this.#filter = null;
	}

	/** The peer of a completed session is lost, or it was lost before `alone` was given up. */
	freeze(): void {
		this.unlink();
		if (this.#mode === "paired") this.#set("frozen");
	}

	/** The same incarnation is back and has everything up to `seq`. */
	thaw(channel: Channel, seq: number): void {
		this.#channel = channel;
		this.peerReceived(seq);
		for (const entry of this.#window.after(seq)) channel.sendEncoded(entry.bytes);
		// They leave before an answer to them can be heard: then their memory is used again.
		channel.flush();
		if (this.#mode === "frozen") this.#set("paired");
	}

	/** Permission is recorded durably by the caller, and so is a new epoch if `waiting` was not 0. */
	goAlone(term: number): void {
		this.#term = term;
		this.unlink();
		this.#window.settle(0);
		this.#set("alone");
	}

	/** No permission: whatever waits and whatever comes is answered with EIO. */
	fail(): void {
		this.unlink();
		this.#set("failed");
		this.#window.settle(errno.EIO);
	}

	peerReceived(seq: number): void {
		this.#window.received(seq);
		this.#unreceived.received(seq);
	}

	peerSynced(seq: number): void {
		this.#window.synced(seq);
	}

	#set(mode: PrimaryMode): void {
		this.#mode = mode;
		this.#crowdedMs = null;
		if (mode === "paired") this.#watchdog ??= this.#watchLate();
		if (mode !== "frozen") this.#context.unpark();
	}

	#gate(): number | "park" {
		switch (this.#mode) {
			case "readOnly":
				return errno.EROFS;
			case "failed":
				return errno.EIO;
			case "frozen":
				return "park";
			case "alone":
				if (!this.#mint()) return errno.EIO;
				return this.#room();
			case "paired":
				return this.#room();
		}
	}

	/** §5.3: the epoch is durable before the first change that only this node has is applied. */
	#mint(): boolean {
		try {
			this.#context.records.mint();
			return true;
		} catch (error) {
			if (!(error instanceof SafekitError)) throw error;
			this.#context.fact({ fact: "diskFailed", message: error.message });
			return false;
		}
	}

	/** Much was sent that the peer has not received yet; it may be busy applying. */
	get crowded(): boolean {
		return this.#window.full || this.#unreceived.bytes > windowBytes;
	}

	#room(): 0 | "park" {
		this.#parked = this.crowded || (this.#channel?.queuedBytes ?? 0) > maxSendBytes;
		this.#crowdedMs = this.#parked ? (this.#crowdedMs ?? this.#context.loop.now()) : null;
		if (this.#parked) this.#context.loop.timer(5, () => this.#unparkIfRoom());
		return this.#parked ? "park" : 0;
	}

	#unparkIfRoom(): void {
		if (!this.#parked) return;
		const isRoomy = this.#window.roomy && this.#unreceived.bytes <= windowBytes / 2;
		if (isRoomy && (this.#channel?.queuedBytes ?? 0) < maxSendBytes / 2) {
			this.#parked = false;
			this.#context.unpark();
		} else this.#context.loop.timer(5, () => this.#unparkIfRoom());
	}

	#submit(volume: Volume, operation: Operation, acknowledge: (errno: number) => void): void {
		if (operation.op === "make") volume.marks.made(operation.parent, operation.file, isDirectory(operation.node.mode));
		switch (this.#mode) {
			case "readOnly":
			case "failed":
				acknowledge(operation.op === "sync" && this.#mode === "readOnly" ? 0 : errno.EIO);
				return;
			case "alone":
				for (const message of this.#live(volume, operation)) {
					// Numbered only now: the filter may have sent repairs, which come before.
					if (message.is === "operation") this.repair(volume, message.operation);
					else this.#channel?.send(message);
				}
				acknowledge(0);
				return;
			default:
				this.#forward(volume, operation, acknowledge);
		}
	}

	/** What cannot be told to the target ends the resync, which begins again; the application goes on. */
	#live(volume: Volume, operation: Operation): Message[] {
		try {
			return this.#filter?.live(volume, operation) ?? [];
		} catch (error) {
			if (!(error instanceof SafekitError)) throw error;
			this.#filter = null;
			this.#channel?.fail(error.message);
			return [];
		}
	}

	#forward(volume: Volume, operation: Operation, acknowledge: (errno: number) => void): void {
		if (!this.#introduce(volume, operation)) {
			// It waits for what becomes of the session, as an answer that was lost would.
			this.#channel = null;
			this.#await(volume, operation, acknowledge);
			return;
		}
		if (this.#earlyAck) {
			acknowledge(0);
			const bytes = encodeMessage({ is: "operation", dir: volume.index, seq: ++this.#seq, operation });
			this.#context.loop.timer(sabotageDelayMs, () => this.#channel?.sendEncoded(bytes));
			return;
		}
		if (operation.op !== "write" || operation.data.length <= pieceBytes) {
			this.#await(volume, operation, acknowledge);
			return;
		}
		// In pieces, so that the peer opens one while this side seals the next; the last one answers for all.
		for (let at = 0; at < operation.data.length; at += pieceBytes) {
			const data = operation.data.subarray(at, at + pieceBytes);
			const isLast = at + pieceBytes >= operation.data.length;
			const piece = { ...operation, offset: operation.offset + BigInt(at), data };
			this.#await(volume, piece, isLast ? acknowledge : settled);
			this.#channel?.flush();
		}
	}

	/** Tells the peer of the files that the operation names. False: that is impossible, and the session ends. */
	#introduce(volume: Volume, operation: Operation): boolean {
		try {
			const before = this.binders[volume.index]!.before(operation);
			if (!Array.isArray(before)) throw new SafekitError("REPLICATION_LIMIT", unnamed(before.unnamed));
			for (const introduction of before) this.#await(volume, introduction, settled);
			return true;
		} catch (error) {
			if (!(error instanceof SafekitError)) throw error;
			this.onUntold(error.message);
			return false;
		}
	}

	#await(volume: Volume, operation: Operation, acknowledge: (errno: number) => void): void {
		const seq = ++this.#seq;
		const bytes = encodeMessage({ is: "operation", dir: volume.index, seq, operation });
		this.#window.add({ seq, bytes, isSync: operation.op === "sync", acknowledge, atMs: this.#context.loop.now() });
		this.#channel?.sendEncoded(bytes, operation.op === "sync");
	}

	/** Looks four times within the shortest limit, about once a second at the least. */
	#watchLate(): Cancel {
		const { loop, config } = this.#context;
		const everyMs = Math.min(config.lockTimeoutMs, config.ioTimeoutMs) / 4;
		if (everyMs >= 1000) return loop.everySecond(() => this.#lookForLate());
		return loop.timer(everyMs, () => {
			this.#watchdog = this.#watchLate();
			this.#lookForLate();
		});
	}

	#lookForLate(): void {
		if (this.#mode !== "paired") {
			this.#watchdog?.cancel();
			this.#watchdog = null;
			return;
		}
		const { lockTimeoutMs, ioTimeoutMs } = this.#context.config;
		const [now, oldest, crowded] = [this.#context.loop.now(), this.#window.oldestMs, this.#crowdedMs];
		const limit = Math.min(lockTimeoutMs, ioTimeoutMs);
		if (oldest !== null && now - oldest > limit) this.onLate(`an operation was not acknowledged for ${limit} ms`);
		else if (crowded !== null && now - crowded > ioTimeoutMs)
			this.onLate(`changes have waited for room for ${ioTimeoutMs} ms`);
	}
}

function unnamed(file: FileRef): string {
	return `the file ${refAsName(file)} has no name by which the other server could find it`;
}
