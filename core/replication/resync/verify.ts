/**
 * Compares both trees while the application goes on (`rfsverify`): questions travel in the stream of operations, and
 * what is here is looked at in the moment in which the question is sent, so that the target answers about the same
 * state. What differs is told and marked; nothing is changed.
 */
import type { ReplicationFact } from "../../engine/replication.ts";
import { asSafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import { type as fileType } from "../errno.ts";
import type { Channel } from "../link/channel.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import type { FileRef } from "../operation.ts";
import type { Primary } from "../primary/primary.ts";
import { maxSendBytes, regionBytes } from "../wire/limits.ts";
import type { Message } from "../wire/messages.ts";
import { isGone } from "./gone.ts";
import { Question, sameAttributes } from "./question.ts";

export type Verified = Extract<ReplicationFact, { fact: "verified" }>;
type Answer = Extract<Message, { is: "listed" | "compared" | "absent" }>;

const sliceMs = 3;
const progressMs = 500;
const mostTold = 1000;
/** Questions on their way. */
const mostAsked = 16;
const rangeBytes = 2 * regionBytes;

interface Item {
	volume: Volume;
	ref: FileRef;
	directory: FileRef;
	path: string;
	kind: number;
	offset: number;
}

export class Verify {
	readonly #context: Context;
	readonly #primary: Primary;
	readonly #channel: Channel;
	readonly #done: (result: Verified | Error) => void;
	readonly #queue: Item[] = [];
	readonly #asked = new Map<number, { item: Item; question: Question }>();
	readonly #different = new Set<string>();
	readonly #startedMs: number;
	#lastRequest = 2 ** 41;
	#more = 0;
	#files = 0;
	#bytes = 0;
	#over = false;
	#task: Cancel | null = null;
	#pause: Cancel | null = null;
	#progress: Cancel;

	/** @param done called once, unless `cancel` came first. */
	constructor(context: Context, primary: Primary, channel: Channel, done: (result: Verified | Error) => void) {
		this.#context = context;
		this.#primary = primary;
		this.#channel = channel;
		this.#done = done;
		this.#startedMs = context.loop.now();
		for (const volume of context.volumes) {
			const { rootRef, path } = volume.tree;
			const kind = fileType.DIRECTORY;
			this.#queue.push({ volume, ref: rootRef, directory: rootRef, path, kind, offset: 0 });
		}
		this.#progress = this.#armProgress();
		this.#wake();
	}

	cancel(): void {
		this.#over = true;
		this.#task?.cancel();
		this.#pause?.cancel();
		this.#progress.cancel();
		this.#context.progress(null);
	}

	/** True: the answer was to a question of this comparison. */
	answered(message: Answer): boolean {
		const asked = this.#asked.get(message.request);
		if (asked === undefined) return false;
		const { item, question } = asked;
		if (message.is === "listed") {
			question.collect(message);
			if (!message.last) return true;
		}
		this.#asked.delete(message.request);
		this.#guard(() => {
			if (message.is === "absent") this.#differs(item);
			else if (message.is === "listed") this.#directory(item, question, message);
			else this.#file(item, question, message);
		});
		this.#wake();
		return true;
	}

	#guard(run: () => void): void {
		try {
			run();
		} catch (error) {
			this.cancel();
			this.#done(asSafekitError(error));
		}
	}

	#wake(): void {
		if (this.#over || this.#pause !== null) return;
		this.#task ??= this.#context.loop.idle(() => this.#slice());
	}

	#slice(): boolean {
		const until = this.#context.loop.now() + sliceMs;
		let more = true;
		this.#guard(() => {
			while (more && !this.#over && this.#context.loop.now() < until) more = this.#step();
		});
		if (more && !this.#over) return true;
		this.#task = null;
		return false;
	}

	#step(): boolean {
		if (this.#asked.size >= mostAsked) return false;
		if (this.#channel.queuedBytes > maxSendBytes / 2 || this.#primary.crowded) {
			this.#pause = this.#context.loop.timer(5, () => {
				this.#pause = null;
				this.#wake();
			});
			return false;
		}
		const item = this.#queue.pop();
		if (item !== undefined) {
			this.#ask(item);
			return true;
		}
		if (this.#asked.size === 0) this.#end();
		return false;
	}

	/** Looks at this side and asks about the other in one go. */
	#ask(item: Item): void {
		const { volume, ref } = item;
		const isDirectory = item.kind === fileType.DIRECTORY;
		const question = isDirectory
			? Question.ofDirectory(volume, ref)
			: Question.ofFile(volume.tree, ref, item.offset, rangeBytes);
		// Gone from here, and so from there.
		if (typeof question === "number") {
			isGone(question);
			return;
		}
		// Known unless it was taken back meanwhile; then it is looked at another time.
		if (!this.#primary.binders[volume.index]!.has(ref)) return;
		const request = ++this.#lastRequest;
		this.#asked.set(request, { item, question });
		const { index: dir } = volume;
		if (isDirectory) this.#channel.send({ is: "list", request, dir, file: ref, details: true });
		else {
			const { offset, length } = question;
			this.#channel.send({ is: "compare", request, dir, file: ref, offset, length, region: regionBytes });
		}
	}

	#directory(item: Item, question: Question, { own }: Extract<Answer, { is: "listed" }>): void {
		const { volume, ref } = item;
		this.#files++;
		if (!sameAttributes(question.own, own, false)) this.#differs(item);
		const { tree } = volume;
		for (const { name, mine, theirs } of question.entries()) {
			const path = `${item.path}/${name.toString("utf8")}`;
			const kind = mine?.kind ?? 0;
			const child: Item = { volume, ref: 0n, directory: ref, path, kind, offset: 0 };
			if (mine === undefined || theirs === undefined) {
				this.#differs(child);
				continue;
			}
			// Moved meanwhile: what it is now is seen where it is now, or was told to the target anyway.
			const now = tree.with<FileRef>(ref, (fd) => tree.refAt(fd, name));
			if (typeof now === "number" || now !== mine.ref) continue;
			const id = tree.idOf(now);
			child.ref = now;
			const isSame = id === theirs.id && ((theirs.attributes.mode ^ kind) & fileType.MASK) === 0;
			if (!isSame) this.#differs(child);
			else if (mine.attributes !== null) {
				this.#files++;
				if (!sameAttributes(mine.attributes, theirs.attributes, true)) this.#differs(child);
			} else {
				this.#primary.introduce(volume, { op: "bind", parent: ref, name, file: now, id });
				this.#queue.push(child);
			}
		}
	}

	#file(item: Item, question: Question, answer: Extract<Answer, { is: "compared" }>): void {
		this.#bytes += Number(question.length);
		const same = question.digests.every((digest, index) => answer.digests[index]?.equals(digest) === true);
		if (!same || !sameAttributes(question.own, answer.own, true)) {
			this.#files++;
			this.#differs(item);
			return;
		}
		const next = item.offset + Number(question.length);
		if (question.length > 0n && next < Number(question.own.size)) this.#queue.push({ ...item, offset: next });
		else this.#files++;
	}

	/** Told once, and marked: the next session compares it. */
	#differs({ volume, ref, directory, path, kind }: Item): void {
		if (kind === fileType.FILE && ref !== 0n) volume.marks.found({ file: ref, hint: directory });
		else if (kind === fileType.DIRECTORY && ref !== 0n) volume.marks.found({ directory: ref });
		volume.marks.found({ directory });
		if (this.#different.has(path)) return;
		if (this.#different.size < mostTold) this.#different.add(path);
		else this.#more++;
	}

	#end(): void {
		this.cancel();
		const [differences, more, files, bytes] = [[...this.#different].sort(), this.#more, this.#files, this.#bytes];
		this.#done({ fact: "verified", differences, more, files, bytes });
	}

	#armProgress(): Cancel {
		return this.#context.loop.timer(progressMs, () => {
			const mbPerS = this.#bytes / 1e3 / (this.#context.loop.now() - this.#startedMs);
			const { used } = this.#sizes();
			const left = Math.max(0, used - this.#bytes) / 1e6;
			const leftS = mbPerS > 0 ? left / mbPerS : null;
			const totalBytes = Math.max(used, this.#bytes);
			const shown = { doneBytes: this.#bytes, totalBytes, files: this.#files, mbPerS, leftS, verifying: true } as const;
			this.#context.progress(shown);
			this.#progress = this.#armProgress();
		});
	}

	/** What the file systems say that is in use: the best guess of how much there is. */
	#sizes(): { used: number } {
		let used = 0;
		for (const { tree } of this.#context.volumes) {
			const stat = tree.system.statfs(tree.rootFd);
			if (typeof stat !== "number") used += (stat.blocks - stat.bfree) * stat.bsize;
		}
		return { used };
	}
}
