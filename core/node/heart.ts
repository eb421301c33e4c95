/**
 * The node's end of the heartbeat thread. Imports next to nothing, because the thread is started before everything
 * else: after a `kill -9` of the daemon the gap in the pulses is as long as this takes. What it has to send stands
 * in `$SAFEVAR/run/heart.json`, which counts only in the same run of the system.
 */
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Announcement } from "../engine/contract.ts";
import { bitsOf, eitherBits } from "../engine/farm/bits.ts";
import type { FarmModule, FarmView, FarmWish } from "../engine/farm/group.ts";
import type { FromHeart, HeartbeatModule, ToHeart } from "../heartbeat/service.ts";
import { replaceFile } from "./stored.ts";

type Start = Extract<ToHeart, { do: "start" }>;
type Farm = Extract<ToHeart, { do: "farm" }>;
const workerFile = new URL("../heartbeat/worker.ts", import.meta.url);
/** A thread that dies is started again after this time. */
const restartAfterMs = 100;
/** A farm's part that ended by a defect begins anew after this time. */
const farmAgainMs = 1000;
/** Views in flight that are remembered; more only make a next thread more careful. */
const maxOffered = 64;
/** Newer cluster.xml files and keys that a farm knows beside the one that it runs with. */
const maxSuccessors = 4;

export class HeartLink {
	readonly #file: string;
	readonly #incarnation: string;
	readonly #started = new Map<string, Start | Farm>();
	/** Views that were handed over and may be in the filter by now, by module. */
	readonly #offered = new Map<string, FarmView[]>();
	/** Farms that are to begin anew. */
	readonly #failed = new Set<string>();
	readonly #listeners = new Map<string, (message: FromHeart) => void>();
	readonly #report: (message: string, error?: unknown) => void;
	#worker: Worker;
	#stopped = false;

	/** Starts the thread, and in it at once the heartbeats that an earlier daemon sent. */
	constructor(file: string, incarnation: string, report: (message: string, error?: unknown) => void) {
		this.#file = file;
		this.#incarnation = incarnation;
		this.#report = report;
		for (const start of readStarted(file, incarnation)) this.#started.set(start.module.module, start);
		this.#worker = this.#spawn();
	}

	/** Starts or changes the heartbeats of a module. An equal order, as after a restart, disturbs nothing. */
	start(module: HeartbeatModule, announcement: Announcement, resources: Record<string, string>): void {
		const before = this.#started.get(module.module);
		if (before !== undefined && JSON.stringify(before.module) === JSON.stringify(module)) {
			this.announce(module.module, announcement, resources);
			return;
		}
		this.#begin({ do: "start", module, announcement, resources });
	}

	/** Takes part in a farm's group, or changes what this node wants of it. An equal order disturbs nothing. */
	farm(module: FarmModule, wish: FarmWish): void {
		const before = this.#started.get(module.module);
		if (before !== undefined && JSON.stringify(before.module) === JSON.stringify(module)) {
			this.wish(module.module, wish);
			return;
		}
		// Under other nodes or another key the filter still has what it had.
		this.#begin({ do: "farm", module, wish, held: before?.do === "farm" ? before.held : {}, successors: [] });
	}

	/** The groups of a farm whose traffic this node is ready to take from now on. */
	wish(module: string, wish: FarmWish): void {
		const start = this.#started.get(module);
		if (start?.do !== "farm" || JSON.stringify(start.wish) === JSON.stringify(wish)) return;
		this.#started.set(module, { ...start, wish });
		this.#post({ do: "wish", module, wish });
		this.#store();
	}

	/** A farm that runs is `module` by the cluster.xml and key that are in force now. */
	succeed(module: FarmModule): void {
		const start = this.#started.get(module.module);
		if (start?.do !== "farm") return;
		const text = JSON.stringify(module);
		const others = start.successors.filter((each) => JSON.stringify(each) !== text);
		const next = { ...start, successors: [...others, module].slice(-maxSuccessors) };
		this.#started.set(module.module, next);
		this.#post(next);
		this.#store();
	}

	/** What a farm runs with, also by the word of an earlier daemon; null: it takes no part. */
	farmOf(module: string): FarmModule | null {
		const start = this.#started.get(module);
		return start?.do === "farm" ? start.module : null;
	}

	/** What this node wants of a farm's group, also by the word of an earlier daemon; null: it takes no part. */
	wishOf(module: string): FarmWish | null {
		const start = this.#started.get(module);
		return start?.do === "farm" ? start.wish : null;
	}

	/** The filter of a farm does what the view of this version says: the others may rely on it. */
	applied(module: string, version: number): void {
		const start = this.#started.get(module);
		if (start?.do !== "farm") return;
		const offered = (this.#offered.get(module) ?? []).filter((view) => view.version >= version);
		this.#offered.set(module, offered);
		if (offered[0]?.version === version) this.#hold(start, mayHold(start.module.node, offered));
		this.#post({ do: "applied", module, version });
	}

	announce(module: string, announcement: Announcement, resources: Record<string, string>): void {
		const start = this.#started.get(module);
		if (start?.do !== "start") return;
		this.#started.set(module, { ...start, announcement, resources });
		this.#post({ do: "announce", module, announcement, resources });
		this.#store();
	}

	stop(module: string): void {
		this.#listeners.delete(module);
		this.#offered.delete(module);
		if (!this.#started.delete(module)) return;
		this.#post({ do: "stop", module });
		this.#store();
	}

	/** What the thread hears for a module from now on; what it knows already is told again. */
	listen(module: string, listener: (message: FromHeart) => void): void {
		this.#listeners.set(module, listener);
		const start = this.#started.get(module);
		if (start !== undefined) this.#post(start);
	}

	async close(): Promise<void> {
		this.#stopped = true;
		await this.#worker.terminate();
	}

	#begin(start: Start | Farm): void {
		const name = start.module.module;
		if (this.#started.has(name)) this.#post({ do: "stop", module: name });
		this.#offered.delete(name);
		this.#started.set(name, start);
		this.#post(start);
		this.#store();
	}

	/** What the kernel may accept is stored before it can: a next thread must not believe that it is less. */
	#offer(start: Farm, view: FarmView): void {
		const offered = [...(this.#offered.get(start.module.module) ?? []), view].slice(-maxOffered);
		this.#offered.set(start.module.module, offered);
		this.#hold(start, joined(start.held, mayHold(start.module.node, [view])));
	}

	#hold(start: Farm, held: Record<string, string>): void {
		if (JSON.stringify(held) === JSON.stringify(start.held)) return;
		this.#started.set(start.module.module, { ...start, held });
		this.#store();
	}

	#spawn(): Worker {
		const worker = new Worker(workerFile);
		worker.on("message", (message: FromHeart) => this.#heard(message));
		worker.on("error", (error) => this.#report("the heartbeat thread failed", error));
		worker.on("exit", () => {
			if (!this.#stopped) setTimeout(() => this.#again(), restartAfterMs);
		});
		for (const [name, start] of this.#started) {
			worker.postMessage(start);
			// Said twice: there is somebody who sets the filter of a farm.
			if (start.do === "farm" && this.#listeners.has(name)) worker.postMessage(start);
		}
		return worker;
	}

	#again(): void {
		if (!this.#stopped) this.#worker = this.#spawn();
	}

	#heard(message: FromHeart): void {
		const start = this.#started.get(message.module);
		if (message.is === "farm" && start?.do === "farm") this.#offer(start, message.view);
		if (message.is === "failed") {
			// Orders that are on their way when it fails, fail too.
			if (this.#failed.has(message.module)) return;
			this.#report(`the farm of ${message.module} begins anew: ${message.why}`);
			this.#failed.add(message.module);
			setTimeout(() => this.#beginAnew(message.module), farmAgainMs).unref();
		}
		this.#listeners.get(message.module)?.(message);
	}

	/** Said twice: there is somebody who sets the filter. */
	#beginAnew(module: string): void {
		this.#failed.delete(module);
		const start = this.#started.get(module);
		if (start?.do !== "farm" || this.#stopped) return;
		this.#post(start);
		if (this.#listeners.has(module)) this.#post(start);
	}

	#post(message: ToHeart): void {
		this.#worker.postMessage(message);
	}

	#store(): void {
		const text = JSON.stringify({ incarnation: this.#incarnation, started: [...this.#started.values()] });
		try {
			replaceFile(this.#file, text, false);
		} catch (error) {
			this.#report("the heartbeats of a next daemon could not be stored", error);
		}
	}
}

function readStarted(file: string, incarnation: string): (Start | Farm)[] {
	try {
		const stored = JSON.parse(readFileSync(file, "utf8")) as { incarnation: string; started: (Start | Farm)[] };
		if (stored.incarnation !== incarnation) return [];
		// Earlier versions stored no successors.
		return stored.started.map((start) =>
			start.do === "farm" ? { ...start, successors: start.successors ?? [] } : start,
		);
	} catch {
		return [];
	}
}

/** Own buckets in any of the views, by group. */
function mayHold(node: string, views: readonly FarmView[]): Record<string, string> {
	return views.reduce<Record<string, string>>((held, { groups }) => {
		const own = groups.map(({ name, owners }) => [name, bitsOf(owners.map((owner) => owner === node))]);
		return joined(held, Object.fromEntries(own));
	}, {});
}

function joined(one: Record<string, string>, two: Record<string, string>): Record<string, string> {
	const names = new Set([...Object.keys(one), ...Object.keys(two)]);
	return Object.fromEntries([...names].map((name) => [name, eitherBits(one[name], two[name])]));
}
