/**
 * What was changed by hand while the mount was away (replication.md §5.4), and how that is known: while changes go
 * through the mount, the clock of the disk is noted about every second. At the next start, what changed later is marked.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import type { Context, Volume } from "../control/context.ts";
import { open } from "../errno.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import { receive } from "../loop/mailbox.ts";
import type { Walked, WalkOrder } from "./walkWorker.ts";

/** A note may be late by this much: what was changed so soon after it went through the mount. */
const lateNs = 2_000_000_000n;

export class Keeper {
	readonly #context: Context;
	readonly #unknown = new Set<Volume>();
	#waiting: (() => void)[] = [];
	readonly #walks = new Map<Volume, () => void>();
	#timer: Cancel | null = null;

	/** Begins to look for changes by hand; the mounts may serve meanwhile. */
	constructor(context: Context) {
		this.#context = context;
		for (const volume of context.volumes) this.#start(volume);
		this.#arm();
	}

	/** `done` when the marks name all changes by hand, on disk. */
	whenKnown(done: () => void): void {
		if (this.#unknown.size === 0) done();
		else this.#waiting.push(done);
	}

	/**
	 * What may differ begins anew (`rfssync`): what was changed by hand since then, and from now on what goes through
	 * the mounts. null: nothing was changed by hand.
	 */
	begin(sinceNs: bigint | null): void {
		for (const volume of this.#context.volumes) {
			this.#walks.get(volume)?.();
			volume.marks.begin();
			const now = clockOf(volume);
			this.#unknown.add(volume);
			if (now === null) volume.marks.setEverything();
			if (now === null || sinceNs === null) volume.marks.written(() => this.#known(volume, now));
			else this.#walk(volume, sinceNs, now);
		}
	}

	/** The mounts go now: what is changed from here on is by hand. */
	leave(done: () => void): void {
		this.#timer?.cancel();
		this.#timer = null;
		let left = this.#context.volumes.length;
		for (const volume of this.#context.volumes) {
			this.#walks.get(volume)?.();
			const now = clockOf(volume);
			// What an interrupted look has not found yet would be taken for looked at.
			if (!this.#unknown.has(volume) && now !== null) volume.marks.stamp(now, true);
			volume.marks.written(() => {
				if (--left === 0) done();
			});
		}
	}

	#start(volume: Volume): void {
		const { marks, tree } = volume;
		const now = clockOf(volume);
		const last = marks.clock;
		if (marks.everything) {
			this.#known(volume, now);
			return;
		}
		if (now === null || last === null || now < last.ns) {
			const why = now === null || last === null ? "is not known" : "was put back";
			this.#context.log("W", "rfsplug", `The clock of the disk of ${tree.path} ${why}: all of it will be compared`);
			marks.setEverything();
			this.#unknown.add(volume);
			marks.written(() => this.#known(volume, now));
			return;
		}
		this.#unknown.add(volume);
		this.#walk(volume, last.away ? last.ns : last.ns + lateNs, now);
	}

	#walk(volume: Volume, sinceNs: bigint, now: bigint): void {
		const { loop, system, config } = this.#context;
		const { notReplicatedPaths: paths, notReplicatedRegexes: regexes } = config.directories[volume.index]!;
		const { port1, port2 } = new MessageChannel();
		const wakeFd = system.eventfd();
		const order: WalkOrder = { rootFd: volume.tree.rootFd, rules: { paths, regexes }, sinceNs };
		const worker = new Worker(new URL("./walkWorker.ts", import.meta.url), {
			workerData: { order, port: port2, wakeFd },
			transferList: [port2],
			execArgv: [],
			resourceLimits: { maxYoungGenerationSizeMb: 8 },
		});
		const end = (): void => {
			if (!this.#walks.delete(volume)) return;
			loop.unwatch(wakeFd);
			port1.close();
			void worker.terminate().then(() => system.close(wakeFd));
		};
		this.#walks.set(volume, end);
		let files = 0;
		receive<Walked>(loop, system, port1, wakeFd, (message) => {
			if ("found" in message) {
				files += message.found.length;
				for (const { file, directory, isDirectory } of message.found) {
					// It may have been moved here, unless it is the root.
					const isMoved = volume.marks.byName && directory !== volume.tree.rootRef;
					const below = isMoved ? ({ whole: "below" } as const) : {};
					volume.marks.found(isDirectory ? { directory, ...below } : { file, hint: directory });
				}
				return;
			}
			end();
			this.#walked(volume, files, message.ended, now);
		});
	}

	#walked(volume: Volume, files: number, failed: string | null, now: bigint): void {
		const { marks, tree } = volume;
		if (failed !== null) {
			this.#context.log(
				"W",
				"rfsplug",
				`${tree.path} cannot be looked through (${failed}): all of it will be compared`,
			);
			marks.setEverything();
		} else if (files > 0) {
			this.#context.log("I", "rfsplug", `${files} changes were made in ${tree.path} while it was not replicated`);
		}
		marks.written(() => this.#known(volume, now));
	}

	/** @param now the clock when the look began: what came later went through the mount. */
	#known(volume: Volume, now: bigint | null): void {
		this.#unknown.delete(volume);
		if (now !== null) volume.marks.stamp(now, false);
		if (this.#unknown.size > 0) return;
		for (const done of this.#waiting.splice(0)) done();
	}

	#arm(): void {
		this.#timer = this.#context.loop.everySecond(() => {
			for (const volume of this.#context.volumes) {
				if (!volume.marks.changed || this.#unknown.has(volume)) continue;
				const now = clockOf(volume);
				if (now !== null) volume.marks.stamp(now, false);
			}
		});
	}
}

/** The clock by which this disk's files get their times: read from one of them. */
function clockOf({ tree }: Volume): bigint | null {
	const { system } = tree;
	const fd = system.openat(tree.ownFd, "clock", open.RDWR | open.CREAT | open.CLOEXEC | system.flags.NOFOLLOW, 0o600);
	if (fd < 0) return null;
	const touched = system.utimens(fd, "", "now", "now");
	const stat = system.stat(fd, "");
	system.close(fd);
	return touched < 0 || typeof stat === "number" ? null : stat.ctimeNs;
}
