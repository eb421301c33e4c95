/** A resync as its source: everything is pending at the start, names first, then contents (replication.md §5.8). */
import type { SessionOrder } from "../../engine/replication.ts";
import { asSafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import type { Channel } from "../link/channel.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import type { LiveFilter, Primary } from "../primary/primary.ts";
import { maxSendBytes } from "../wire/limits.ts";
import type { Message } from "../wire/messages.ts";
import { Contents } from "./contents.ts";
import { liveMessages } from "./live.ts";
import { Names } from "./names.ts";
import { Scope } from "./scope.ts";

const sliceMs = 3;
const progressMs = 500;

export class Resync {
	readonly #context: Context;
	readonly #primary: Primary;
	readonly #channel: Channel;
	readonly #names: Names;
	readonly #contents: Contents;
	readonly #scopes: Scope[];
	readonly #startedMs: number;
	readonly #completed: () => void;
	#task: Cancel | null = null;
	#pauseTimer: Cancel | null = null;
	#progressTimer: Cancel;
	#over = false;

	/** @param completed everything was sent and every live change is being sent: §5.8 step 4 comes. */
	constructor(context: Context, primary: Primary, channel: Channel, order: SessionOrder, completed: () => void) {
		this.#context = context;
		this.#primary = primary;
		this.#channel = channel;
		this.#completed = completed;
		this.#startedMs = context.loop.now();
		this.#names = new Names(order.outcome === "NEW" || order.outcome === "UNRELATED");
		this.#contents = new Contents();
		this.#scopes = context.volumes.map((volume) => this.#begin(new Scope(context, volume, channel, primary)));
		this.#progressTimer = this.#armProgress();
		this.#wake();
	}

	/** What the changes of the application are to the target meanwhile. */
	get filter(): LiveFilter {
		return { live: (volume: Volume, operation) => liveMessages(this.#scopes[volume.index]!, operation) };
	}

	answered(message: Extract<Message, { is: "listed" | "compared" }>): void {
		if (message.is === "listed") this.#names.answered(message);
		else this.#contents.answered(message);
		this.#wake();
	}

	cancel(): void {
		this.#over = true;
		this.#task?.cancel();
		this.#pauseTimer?.cancel();
		this.#progressTimer.cancel();
		this.#context.progress(null);
	}

	/** The target is equal: what it took. */
	end(): { files: number; bytes: number } {
		this.cancel();
		const { files, bytes } = this.#contents;
		return { files, bytes };
	}

	#begin(scope: Scope): Scope {
		const { volume } = scope;
		const { tree } = volume;
		scope.onDirectory = (ref) => this.#names.enqueue(scope, ref);
		scope.onFile = (ref, size) => this.#contents.enqueue(scope, ref, size);
		this.#context.log("I", "reintegre", `The other server's copy of ${tree.path} is being updated`);
		scope.send({ is: "bind", dir: volume.index, file: tree.rootRef, own: 0n });
		scope.known.add(tree.rootRef);
		this.#names.enqueue(scope, tree.rootRef);
		const folder = tree.refAt(tree.folderFd.open, "");
		const kept = typeof folder === "number" ? [] : tree.list(folder);
		for (const entry of typeof kept === "number" ? [] : kept) {
			const ref = tree.refAt(tree.folderFd.open, entry.name);
			if (typeof ref === "bigint") scope.place(0n, Buffer.from("open"), ref);
		}
		return scope;
	}

	#wake(): void {
		if (this.#over || this.#pauseTimer !== null) return;
		this.#task ??= this.#context.loop.idle(() => this.#slice());
	}

	/** A few milliseconds of work; false: nothing to do until an answer comes. */
	#slice(): boolean {
		const until = this.#context.loop.now() + sliceMs;
		try {
			while (!this.#over && this.#channel.open) {
				if (this.#context.loop.now() > until) return true;
				if (this.#mustPause()) break;
				if (this.#contents.step()) continue;
				if (!this.#contents.busy && this.#names.step()) continue;
				if (this.#contents.step()) continue;
				if (this.#names.idle && this.#contents.idle) this.#complete();
				break;
			}
		} catch (error) {
			this.#failed(error);
		}
		this.#task = null;
		return false;
	}

	/** The network, or the configured bandwidth, is the limit. */
	#mustPause(): boolean {
		const { resyncBandwidth } = this.#context.config;
		const elapsedMs = this.#context.loop.now() - this.#startedMs;
		const allowed = resyncBandwidth === null ? Number.POSITIVE_INFINITY : resyncBandwidth * 1.024 * elapsedMs + 65_536;
		if (this.#channel.queuedBytes < maxSendBytes / 2 && !this.#primary.crowded && this.#contents.bytes < allowed)
			return false;
		this.#pauseTimer = this.#context.loop.timer(5, () => {
			this.#pauseTimer = null;
			this.#wake();
		});
		return true;
	}

	#complete(): void {
		this.#over = true;
		this.#completed();
	}

	/** This side's own disk: the session ends and is tried again; the reason is in the log. */
	#failed(error: unknown): void {
		const { message } = asSafekitError(error);
		this.#over = true;
		this.#context.log("E", "reintegre", `The synchronisation stopped: ${message}`);
		this.#channel.fail(message);
	}

	#armProgress(): Cancel {
		return this.#context.loop.timer(progressMs, () => {
			const { doneBytes, totalBytes, files, bytes } = this.#contents;
			const seconds = (this.#context.loop.now() - this.#startedMs) / 1000;
			const mbPerS = bytes / 1e6 / seconds;
			const speed = doneBytes / seconds;
			const leftS = this.#names.idle && speed > 0 ? Math.max(0, (totalBytes - doneBytes) / speed) : null;
			this.#context.progress({ doneBytes, totalBytes: Math.max(totalBytes, doneBytes), files, mbPerS, leftS });
			this.#progressTimer = this.#armProgress();
		});
	}
}
