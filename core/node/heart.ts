/**
 * The node's end of the heartbeat thread. Imports nothing but types, because the thread is started before everything
 * else: after a `kill -9` of the daemon the gap in the pulses is as long as this takes. What it has to send stands
 * in `$SAFEVAR/run/heart.json`, which counts only in the same run of the system.
 */
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Announcement } from "../engine/contract.ts";
import type { FromHeart, HeartbeatModule, ToHeart } from "../heartbeat/service.ts";
import { replaceFile } from "./stored.ts";

type Start = Extract<ToHeart, { do: "start" }>;
const workerFile = new URL("../heartbeat/worker.ts", import.meta.url);
/** A thread that dies is started again after this time. */
const restartAfterMs = 100;

export class HeartLink {
	readonly #file: string;
	readonly #incarnation: string;
	readonly #started = new Map<string, Start>();
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
		if (before !== undefined) this.#post({ do: "stop", module: module.module });
		const start: Start = { do: "start", module, announcement, resources };
		this.#started.set(module.module, start);
		this.#post(start);
		this.#store();
	}

	announce(module: string, announcement: Announcement, resources: Record<string, string>): void {
		const start = this.#started.get(module);
		if (start === undefined) return;
		this.#started.set(module, { ...start, announcement, resources });
		this.#post({ do: "announce", module, announcement, resources });
		this.#store();
	}

	stop(module: string): void {
		this.#listeners.delete(module);
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

	#spawn(): Worker {
		const worker = new Worker(workerFile);
		worker.on("message", (message: FromHeart) => this.#heard(message));
		worker.on("error", (error) => this.#report("the heartbeat thread failed", error));
		worker.on("exit", () => {
			if (!this.#stopped) setTimeout(() => this.#again(), restartAfterMs);
		});
		for (const start of this.#started.values()) worker.postMessage(start);
		return worker;
	}

	#again(): void {
		if (!this.#stopped) this.#worker = this.#spawn();
	}

	#heard(message: FromHeart): void {
		this.#listeners.get(message.module)?.(message);
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

function readStarted(file: string, incarnation: string): Start[] {
	try {
		const stored = JSON.parse(readFileSync(file, "utf8")) as { incarnation: string; started: Start[] };
		return stored.incarnation === incarnation ? stored.started : [];
	} catch {
		return [];
	}
}
