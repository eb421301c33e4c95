/**
 * Source and target of a resync in one thread, over two real trees and without mounts: changes are made by hand as the
 * file system server would make them, messages travel encoded, and every step of both sides is in the test's hands.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import type { Context, Volume } from "../../core/replication/control/context.ts";
import type { Channel } from "../../core/replication/link/channel.ts";
import { nothingExcluded } from "../../core/replication/local/exclusion.ts";
import { NameMemory } from "../../core/replication/local/nameMemory.ts";
import { openTree } from "../../core/replication/local/setup.ts";
import type { DataLoop } from "../../core/replication/loop/dataLoop.ts";
import type { Marks } from "../../core/replication/marks/marks.ts";
import { Primary } from "../../core/replication/primary/primary.ts";
import { Salvage } from "../../core/replication/quarantine/salvage.ts";
import { Resync } from "../../core/replication/resync/resync.ts";
import { Receiver } from "../../core/replication/secondary/receiver.ts";
import { emptyLimbo } from "../../core/replication/secondary/repairs.ts";
import { decodeMessage, encodeMessage, type Message } from "../../core/replication/wire/messages.ts";
import { makeTestFolder } from "../folder.ts";
import { Application } from "./application.ts";
import { TestMarks } from "./testMarks.ts";
import { compareTrees } from "./treeCompare.ts";

/** Runs what was posted, due or idle, one thing at a time. */
export class StepLoop {
	#posted: (() => void)[] = [];
	#timers: { atMs: number; run: () => void }[] = [];
	#idle: (() => boolean)[] = [];
	#nowMs = 0;

	now(): number {
		// Time goes on by itself, so that a slice ends.
		this.#nowMs += 0.05;
		return this.#nowMs;
	}

	post(run: () => void): void {
		this.#posted.push(run);
	}

	timer(ms: number, run: () => void): { cancel(): void } {
		const timed = { atMs: this.#nowMs + ms, run };
		this.#timers.push(timed);
		return {
			cancel: () => {
				this.#timers = this.#timers.filter((each) => each !== timed);
			},
		};
	}

	everySecond(run: () => void): { cancel(): void } {
		let timer = this.timer(1000, () => again());
		const again = (): void => {
			timer = this.timer(1000, again);
			run();
		};
		return { cancel: () => timer.cancel() };
	}

	idle(slice: () => boolean): { cancel(): void } {
		this.#idle.push(slice);
		return {
			cancel: () => {
				this.#idle = this.#idle.filter((each) => each !== slice);
			},
		};
	}

	step(): void {
		for (const run of this.#posted.splice(0)) run();
		const due = this.#timers.filter((timed) => timed.atMs <= this.#nowMs);
		this.#timers = this.#timers.filter((timed) => timed.atMs > this.#nowMs);
		for (const timed of due) timed.run();
		const slice = this.#idle.shift();
		if (slice === undefined) return;
		this.#idle.push(slice);
		if (!slice()) this.#idle = this.#idle.filter((each) => each !== slice);
	}
}

/** One of the two servers. */
export class Side {
	readonly dir: string;
	readonly loop = new StepLoop();
	readonly volume: Volume;
	readonly marks: TestMarks;
	readonly context: Context;
	readonly primary: Primary;
	readonly application: Application;
	readonly logs: string[] = [];

	constructor(root: string, nodeIndex: 0 | 1, term: number) {
		this.dir = join(root, `n${nodeIndex}`);
		mkdirSync(this.dir);
		const tree = openTree(system, this.dir, false);
		this.marks = new TestMarks(tree);
		this.marks.later = (run) => this.loop.post(run);
		const names = new NameMemory();
		this.volume = { index: 0, tree, exclusion: nothingExcluded, names, marks: this.marks as unknown as Marks };
		this.context = {
			config: {
				...{ nodeIndex, async: "second", resyncLanes: 4, resyncBandwidth: null, lockTimeoutMs: 1e9 },
				...{ resyncTimeoutMs: 1e9, resyncDetail: false },
			},
			...{ loop: this.loop as unknown as DataLoop, system, volumes: [this.volume] },
			records: { now: { keeping: false, epoch: null, tree: "0" }, mint: () => false, markFailed: () => {} },
			...{
				fact: () => {},
				progress: () => {},
				unpark: () => {},
				marksKnown: (done: () => void) => done(),
				disks: { failures: 0, failure: () => 0, sync: () => {} },
			},
			wishes: { sinceMs: null },
			log: (_: string, __: string, text: string) => void this.logs.push(text),
		} as unknown as Context;
		this.primary = new Primary(this.context, false);
		this.primary.serveAlone(term);
		this.application = new Application(this.volume, this.marks, this.primary);
	}
}

/** A connection of which the test takes one message at a time. */
class Line {
	readonly waiting: Buffer[] = [];
	open = true;
	readonly queuedBytes = 0;
	failed: string | null = null;

	send(message: Message): number {
		const bytes = encodeMessage(message);
		this.sendEncoded(bytes);
		return bytes.length;
	}

	sendEncoded(bytes: Buffer): void {
		if (this.open) this.waiting.push(Buffer.from(bytes));
	}

	flush(): void {}

	fail(why: string): void {
		this.failed = why;
		this.open = false;
	}

	take(): Message | null {
		const bytes = this.waiting.shift();
		return bytes === undefined ? null : decodeMessage(bytes);
	}
}

export class TwoTrees {
	readonly root = makeTestFolder("trees");
	readonly source: Side;
	readonly target: Side;
	/** Messages by kind that went from the source to the target in the last session. */
	readonly sent = new Map<string, number>();
	broken: string | null = null;
	complete = false;
	#to = new Line();
	#back = new Line();
	#resync: Resync | null = null;
	#receiver: Receiver | null = null;

	constructor(t: { teardown(fn: () => void): void }) {
		this.source = new Side(this.root, 0, 1);
		this.target = new Side(this.root, 1, 2);
		t.teardown(() => {
			for (const { volume } of [this.source, this.target]) volume.tree.close();
			rmSync(this.root, { recursive: true, force: true });
		});
	}

	/** A session begins; whatever one before it had on its way is lost. */
	begin(everything: boolean, adopts = false, sinceMs = 0): void {
		this.#resync?.cancel();
		this.#receiver?.stop();
		this.#lost();
		this.#to = new Line();
		this.#back = new Line();
		this.sent.clear();
		this.broken = null;
		this.complete = false;
		this.target.volume.tree.emptyKept();
		const { source, target } = this;
		this.#receiver = new Receiver(target.context, new Salvage(target.context, "SERVING"), false, {
			finish: () => {},
			promotable: () => {},
			checkpoint: () => {},
			broken: (why, differs) => {
				this.broken = why;
				if (differs !== null) source.marks.found(differs);
			},
		});
		this.#receiver.attach(this.#back as unknown as Channel);
		const channel = this.#to as unknown as Channel;
		const order = {
			...({ order: "session", term: 1, source: true, outcome: "SERVING", quarantine: false } as const),
			...{ everything, adopts, sinceMs },
		};
		this.#resync = new Resync(source.context, source.primary, channel, order, () => {
			this.complete = true;
			source.primary.pair(channel);
		});
		source.primary.copying(channel, this.#resync.filter);
		this.#resync.begin();
	}

	/** The source goes on without the target, under a new term if the copy was complete. */
	#lost(): void {
		const { primary } = this.source;
		if (primary.mode === "paired") primary.goAlone(Number(primary.followingId.split(".")[0]) + 1);
		else primary.unlink();
	}

	/** A bit of everything: both loops, one message each way. */
	step(): void {
		this.source.loop.step();
		this.target.loop.step();
		for (let n = 0; n < 3; n++) {
			const out = this.#to.take();
			if (out !== null) {
				const kind = out.is === "operation" ? out.operation.op : out.is;
				this.sent.set(kind, (this.sent.get(kind) ?? 0) + 1);
				this.#receiver!.take(out, 1);
			}
			const back = this.#back.take();
			if (back?.is === "received") {
				this.source.primary.peerReceived(back.seq);
				this.#resync!.heard();
			} else if (back !== null) this.#resync!.answered(back as Parameters<Resync["answered"]>[0]);
		}
	}

	get quiet(): boolean {
		let drained = false;
		this.#receiver!.drain(() => {
			drained = true;
		});
		return drained && this.#to.waiting.length + this.#back.waiting.length === 0;
	}

	/** Until the copy is complete and all of it applied. @param meanwhile called before every step. */
	finish(meanwhile: () => void = () => {}, most = 20_000): void {
		for (let n = 0; !(this.complete && this.quiet); n++) {
			if (n > most) throw new Error(`the copy does not end: ${[...this.sent].join(" ")}`);
			if (this.broken !== null || this.#to.failed !== null)
				throw new Error(`${this.broken} ${this.#to.failed} ${this.source.logs.join("\n")}`);
			meanwhile();
			this.step();
		}
		let emptied = false;
		emptyLimbo(this.target.context, () => emptied);
		for (let n = 0; n < 2000; n++) this.target.loop.step();
		emptied = true;
	}

	/** Up to two copies that end somewhere, while the application changes things now and then. */
	interrupted(next: () => number, how: { begin(): void; change(): void; most: number; often: number }): void {
		for (let cuts = Math.floor(next() * 3); cuts > 0; cuts--) {
			how.begin();
			for (let n = Math.floor(next() * how.most); n > 0 && this.broken === null; n--) {
				if (next() < how.often) how.change();
				this.step();
			}
		}
	}

	/** `finish`, while the application changes things, and once more with some changes after it. */
	finishUnder(next: () => number, change: () => void, live: number): void {
		let left = live;
		this.finish(() => {
			if (left > 0 && next() < 0.3) {
				left--;
				change();
			}
		});
		for (let n = 0; n < 60; n++) change();
		this.finish();
	}

	/** Everything is on both sides: no marks any more. */
	checkpoint(): void {
		this.source.marks.clear();
		this.target.marks.clear();
	}

	/** The log's last word on what was compared. */
	compared(): { files: number; bytes: number; directories: number } {
		this.#resync!.end();
		const [, files, bytes, directories] = / (\d+) files and (\d+) bytes compared in (\d+) /
			.exec(this.source.logs.at(-1)!)!
			.map(Number);
		return { files: files!, bytes: bytes!, directories: directories! };
	}

	differences(): string[] {
		return compareTrees(this.source.dir, this.target.dir, { blocks: false });
	}
}
