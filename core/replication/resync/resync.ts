/**
 * A resync as its source: what either node has marked is pending at the start, or everything; names first, then
 * contents (replication.md §5.8).
 */
import type { SessionOrder } from "../../engine/replication.ts";
import { asSafekitError, SafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import type { Channel } from "../link/channel.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import type { MarkList } from "../marks/mark.ts";
import type { LiveFilter, Primary } from "../primary/primary.ts";
import { maxSendBytes } from "../wire/limits.ts";
import type { Message } from "../wire/messages.ts";
import { Contents } from "./contents.ts";
import { Detail } from "./detail.ts";
import { liveMessages } from "./live.ts";
import { Names } from "./names.ts";
import { Pace } from "./pace.ts";
import { Scope } from "./scope.ts";
import { addMark, TheirMarks } from "./theirMarks.ts";

const sliceMs = 3;
type Answer = Extract<Message, { is: "listed" | "compared" | "absent" | "placed" | "marks" }>;
const progressMs = 500;

/** What the target says of its copy: see `accepted`. */
export type CopyOrder = SessionOrder & { adopts: boolean; sinceMs: number };

export class Resync {
	readonly #context: Context;
	readonly #primary: Primary;
	readonly #channel: Channel;
	readonly #names: Names;
	readonly #contents: Contents;
	readonly #scopes: Scope[];
	readonly #startedMs: number;
	readonly #pace: Pace;
	readonly #completed: () => void;
	#task: Cancel | null = null;
	#pauseTimer: Cancel | null = null;
	#progressTimer: Cancel;
	readonly #detail: Detail;
	/** When the target was heard of last, or had nothing to answer. */
	#heardMs: number;
	#over = false;

	/** @param completed everything was sent and every live change is being sent: §5.8 step 4 comes. */
	constructor(context: Context, primary: Primary, channel: Channel, order: CopyOrder, completed: () => void) {
		this.#context = context;
		this.#primary = primary;
		this.#channel = channel;
		this.#completed = completed;
		this.#startedMs = this.#heardMs = context.loop.now();
		this.#detail = new Detail(context);
		this.#pace = new Pace(context.config.resyncBandwidth, this.#startedMs);
		const isFirst = order.outcome === "NEW" || order.outcome === "UNRELATED";
		this.#names = new Names(isFirst && !order.adopts);
		this.#contents = new Contents(context.config.resyncLanes);
		this.#scopes = context.volumes.map((volume) => this.#begin(volume, isFirst || order.everything, order));
		this.#progressTimer = this.#armProgress();
	}

	/** Once the primary sends what gets a number, and every change of the application through `filter`. */
	begin(): void {
		try {
			for (const scope of this.#scopes) placeNameless(scope);
		} catch (error) {
			this.#failed(error);
		}
		this.#wake();
	}

	/** What the changes of the application are to the target meanwhile. */
	get filter(): LiveFilter {
		return {
			live: (volume: Volume, operation) => {
				const messages = liveMessages(this.#scopes[volume.index]!, operation);
				this.#wake();
				return messages;
			},
		};
	}

	/** The target answers, or takes in what it was sent: on a slow network its answer may be a long way behind that. */
	heard(): void {
		this.#heardMs = this.#context.loop.now();
	}

	answered(message: Answer): void {
		this.heard();
		try {
			this.#answered(message);
		} catch (error) {
			this.#failed(error);
		}
		this.#wake();
	}

	#answered(message: Answer): void {
		switch (message.is) {
			case "listed":
				this.#names.answered(message);
				break;
			case "compared":
				this.#contents.answered(message);
				break;
			case "absent":
				if (!this.#names.absent(message.request)) this.#contents.absent(message.request);
				break;
			case "placed":
				this.#scopes[message.dir]?.repairer.placed(message.request, message.made);
				break;
			case "marks": {
				const scope = this.#scopes[message.dir];
				if (scope?.theirs?.told(message) !== true) return;
				this.#context.log(
					"W",
					"reintegre",
					`${scope.volume.tree.path} is compared whole: the other server has no marks`,
				);
				scope.becomeEverything();
			}
		}
	}

	cancel(): void {
		this.#over = true;
		for (const scope of this.#scopes) scope.over = true;
		this.#task?.cancel();
		this.#pauseTimer?.cancel();
		this.#progressTimer.cancel();
		this.#context.progress(null);
	}

	/** The target is equal: what it took. */
	end(): { files: number; bytes: number } {
		this.cancel();
		const { files, bytes } = this.#contents;
		this.#context.log("I", "reintegre", `Copied <${this.#statistics()}>`);
		return { files, bytes };
	}

	#statistics(): string {
		const { files, bytes, doneFiles, doneBytes } = this.#contents;
		const seconds = (this.#context.loop.now() - this.#startedMs) / 1000;
		const looked = `${doneFiles} files and ${doneBytes} bytes compared in ${this.#names.directories} directories`;
		return `${files} files, ${bytes} bytes; ${looked}; ${seconds.toFixed(1)} s`;
	}

	#begin(volume: Volume, everything: boolean, { adopts, sinceMs }: CopyOrder): Scope {
		const { tree } = volume;
		const marks = volume.marks.list();
		// A person's date says what may differ where nothing else does.
		const whole = (everything || marks.everything) && sinceMs === 0;
		const scope = new Scope(this.#context, volume, this.#channel, this.#primary, whole);
		scope.adopting = adopts;
		if (sinceMs > 0) scope.sinceNs = BigInt(sinceMs) * 1_000_000n;
		scope.onDirectory = (ref) => this.#names.enqueue(scope, ref);
		scope.onFile = (ref, bytes) => this.#contents.enqueue(scope, ref, bytes);
		scope.onMarked = () => this.#wake();
		scope.onSent = (bytes) => this.#contents.sent(bytes);
		scope.onDetail = (ref, what) => this.#detail.say(volume, ref, what);
		const what = whole
			? ""
			: `: ${marks.directories.length} directories and ${marks.files.length} files are marked here`;
		this.#context.log("I", "reintegre", `The other server's copy of ${tree.path} is being updated${what}`);
		scope.binder.clear();
		scope.send({ is: "bind", dir: volume.index, file: tree.rootRef, own: 0n });
		scope.binder.add(tree.rootRef);
		if (whole) this.#names.enqueue(scope, tree.rootRef);
		else beginMarked(scope, marks);
		if (adopts && !whole) scope.pendDirectory(tree.rootRef, { walk: true });
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
				if (this.#step()) continue;
				break;
			}
		} catch (error) {
			this.#failed(error);
		}
		this.#task = null;
		return false;
	}

	#step(): boolean {
		// Until the target's marks are known everything may be among them.
		if (!this.#scopes.every((scope) => scope.ready)) return false;
		const named = this.#names.idle;
		if (this.#contents.step(named)) return true;
		if (!this.#contents.busy && this.#names.step()) return true;
		// The last of them had nothing to be compared: files have waited for that.
		if (!named && this.#names.idle) return true;
		if (!this.#names.idle || this.#scopes.some((scope) => scope.repairer.waiting)) return false;
		const unmet = this.#scopes.filter((scope) => scope.theirs?.settled === false);
		for (const scope of unmet) scope.theirs!.askAgain();
		if (unmet.length === 0 && this.#contents.idle) this.#complete();
		return false;
	}

	/** The network, or the configured bandwidth, is the limit. */
	#mustPause(): boolean {
		const allowed = this.#pace.allows(this.#contents.bytes, this.#context.loop.now());
		if (this.#channel.queuedBytes < maxSendBytes / 2 && !this.#primary.crowded && allowed) return false;
		this.#pauseTimer = this.#context.loop.timer(5, () => {
			this.#pauseTimer = null;
			this.#wake();
		});
		return true;
	}

	/** @throws SafekitError REPLICATION_LIMIT when something was left out: the copy begins again, and no mark goes. */
	#complete(): void {
		for (const scope of this.#scopes) scope.assertCompared();
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

	/** `reitimeout`: the session ends, and the synchronisation begins again. */
	#giveUpIfLate(): void {
		const { resyncTimeoutMs } = this.#context.config;
		const asks = this.#names.asks || this.#contents.asks || this.#scopes.some(({ repairer }) => repairer.asks);
		if (!asks) this.heard();
		if (this.#over || this.#context.loop.now() - this.#heardMs <= resyncTimeoutMs) return;
		this.#failed(
			new SafekitError("REPLICATION_LIMIT", `a request is not answered for ${resyncTimeoutMs} ms (reitimeout)`),
		);
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
			this.#giveUpIfLate();
		});
	}
}

/** Files that are open here and have no name: no comparison of names would find them. */
function placeNameless(scope: Scope): void {
	const { tree } = scope.volume;
	const folder = tree.refAt(tree.folderFd.open, "");
	const kept = typeof folder === "number" ? [] : tree.list(folder);
	for (const entry of typeof kept === "number" ? [] : kept) {
		const ref = tree.refAt(tree.folderFd.open, entry.name);
		if (typeof ref !== "bigint") continue;
		scope.repairer.place(0n, Buffer.from("open"), ref);
		// Marks of the target lead to names: what they say of this one is not known.
		if (scope.pendingFiles.has(ref)) scope.pendFile(ref, (work) => work.addAll());
	}
}

/** Only what one of the two nodes has marked: this side's marks now, the target's when it has told them. */
function beginMarked(scope: Scope, marks: MarkList): void {
	for (const { directory, since, subtree } of marks.directories) {
		scope.pendDirectory(directory, { all: since === null, since: since === null ? [] : [since], subtree });
	}
	for (const mark of marks.files) {
		if (mark.hint !== 0n) scope.hints.set(mark.file, mark.hint);
		scope.pendFile(mark.file, (work) => addMark(work, mark));
	}
	// What a person did with the target's files by hand is not what its date speaks of.
	if (scope.sinceNs === null) scope.theirs = new TheirMarks(scope);
	else scope.ready = true;
}
