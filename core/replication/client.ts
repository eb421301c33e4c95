/**
 * The daemon's side of a replication process: finds the one that runs or starts it, gives orders, hands on facts.
 * The process is detached: it outlives the daemon, and the next one finds it by its socket.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogLevel } from "../engine/contract.ts";
import type { ReplicationFact, ReplicationOrder, ResyncProgress } from "../engine/replication.ts";
import { type ErrorCode, errors, SafekitError } from "../errors.ts";
import type { ProcessConfiguration, Tuning } from "./control/context.ts";
import { isPlaceTaken, placeTaken } from "./control/place.ts";
import { type FromProcess, Lines } from "./control/protocol.ts";
import type { Answer, Answers, Asked, Question } from "./control/questions.ts";
import { endHolders } from "./holder/holder.ts";

export interface ReplicationEvents {
	fact(fact: ReplicationFact): void;
	/** null: no resync runs. At most one in 500 ms. */
	progress(progress: ResyncProgress | null): void;
	log(level: LogLevel, origin: string, text: string): void;
}

const startMs = 20_000;
const retryMs = 10;
/** Between attempts while another process has the place. */
const takenMs = 100;
const answerMs = 10_000;
/** What a killed process has to be gone; one that hangs in the kernel is not waited for. */
const killMs = 5000;
/** Each thread takes memory from one of so many heaps; glibc would give each one of its own, with gaps of its own. */
const mallocArenas = "2";
const silent = { code: "REPLICATION_PROCESS", message: "the replication process did not answer" };

export class ReplicationClient {
	#config: ProcessConfiguration;
	readonly #events: ReplicationEvents;
	#socket: Socket | null = null;
	#pid: number | null = null;
	#requests = 0;
	readonly #asked = new Map<number, (answer: Answer) => void>();
	#closed = false;
	#releases = 0;
	/** `closed` was told, or this side has let go: the end of the connection is no death. */
	#expected = false;
	/** This side has killed the process. */
	#killed = false;
	/** It could not open its directories, and ends: no order is answered any more. */
	#ending = false;

	constructor(config: ProcessConfiguration, events: ReplicationEvents) {
		this.#config = config;
		this.#events = events;
	}

	/** A configuration was applied while the module runs: for the process that runs, and for each one started later. */
	async tune(tuning: Tuning): Promise<void> {
		this.#config = { ...this.#config, ...tuning };
		if (this.#pid !== null) await this.ask({ ask: "tune", ...tuning });
	}

	/** Of the process, null while there is none. */
	get pid(): number | null {
		return this.#pid;
	}

	/**
	 * Connects to the process of this module that runs already; false: there is none.
	 * @throws SafekitError REPLICATION_PROCESS when there is one that does not answer: no other may take its place.
	 */
	async adopt(): Promise<boolean> {
		const releases = this.#releases;
		const socket = await tryConnect(this.#config.socket);
		if (socket === null) return false;
		if (releases !== this.#releases) {
			// Let go of meanwhile: it would take the process away from whoever comes next.
			socket.destroy();
			return false;
		}
		let mute = false;
		const timer = setTimeout(() => {
			mute = true;
			if (this.#socket === socket) this.#socket = null;
			socket.destroy();
		}, startMs);
		await this.#take(socket);
		clearTimeout(timer);
		if (!mute) return true;
		const message = `the replication process of ${this.#config.module} runs and does not answer`;
		throw new SafekitError("REPLICATION_PROCESS", message);
	}

	/** As `adopt`, and waits for one that was just started and does not listen yet. */
	async find(): Promise<boolean> {
		for (const until = Date.now() + startMs; ; await sleep(retryMs)) {
			if (await this.adopt()) return true;
			if (!isPlaceTaken(this.#config.socket) || Date.now() > until) return false;
		}
	}

	/**
	 * Finds the process or starts it. `errorFile` gets what a process that dies prints. `adopt`: the mounts of one that
	 * died are taken over (replication.md §5.9); otherwise they are lost, and made anew.
	 * @throws SafekitError REPLICATION_PROCESS when it does not come up within 20 s. One that is to take mounts over has as
	 * long as the application's changes may wait: giving up costs the mounts.
	 */
	async start(errorFile: string, adopt = false): Promise<void> {
		if (await this.find()) return;
		const until = Date.now() + (adopt ? Math.max(startMs, this.#config.lockTimeoutMs) : startMs);
		for (let started = this.#spawn(errorFile, adopt); Date.now() < until && started.exit !== "failed"; ) {
			if (await this.adopt()) return;
			await sleep(retryMs);
			// One that another daemon has started, or that is about to end.
			if (started.exit === "taken") {
				await sleep(takenMs);
				started = this.#spawn(errorFile, adopt);
			}
		}
		throw new SafekitError("REPLICATION_PROCESS", `the replication process did not start, see ${errorFile}`);
	}

	#spawn(errorFile: string, adopt: boolean): { exit: "failed" | "taken" | null } {
		const errors = openSync(errorFile, "a", 0o600);
		const program = new URL("./process.ts", import.meta.url).pathname;
		const child = spawn(process.execPath, ["--no-warnings", program, ...(adopt ? ["adopt"] : [])], {
			detached: true,
			stdio: ["pipe", "ignore", errors],
			cwd: "/",
			env: { MALLOC_ARENA_MAX: mallocArenas, ...process.env },
		});
		closeSync(errors);
		const started: { exit: "failed" | "taken" | null } = { exit: null };
		child.on("error", () => {
			started.exit = "failed";
		});
		child.on("exit", (code) => {
			started.exit = code === placeTaken ? "taken" : "failed";
		});
		child.stdin?.on("error", () => {});
		child.stdin?.end(JSON.stringify(this.#config));
		child.unref();
		return started;
	}

	/** Gives an order; its result comes as a fact. @throws SafekitError REPLICATION_PROCESS when there is no process. */
	order(order: ReplicationOrder): void {
		if (this.#socket?.writable !== true)
			throw new SafekitError("REPLICATION_PROCESS", `no replication process of ${this.#config.module} runs`);
		this.#socket.write(`${JSON.stringify(order)}\n`);
	}

	/**
	 * Asks a person's question and resolves with its answer.
	 * @throws SafekitError as the process says; REPLICATION_PROCESS when it does not answer within `timeoutMs`.
	 */
	ask<K extends Question["ask"]>(question: Extract<Question, { ask: K }>, timeoutMs = answerMs): Promise<Answers[K]> {
		if (this.#socket?.writable !== true) {
			const message = `no replication process of ${this.#config.module} runs`;
			return Promise.reject(new SafekitError("REPLICATION_PROCESS", message));
		}
		const request = ++this.#requests;
		this.#socket.write(`${JSON.stringify({ ...question, request } satisfies Asked)}\n`);
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => this.#answered({ answer: request, refused: silent }), timeoutMs);
			this.#asked.set(request, (answer) => {
				clearTimeout(timer);
				if ("value" in answer) resolve(answer.value as Answers[K]);
				else {
					const { code, message } = answer.refused;
					reject(new SafekitError(code in errors ? (code as ErrorCode) : "REPLICATION_PROCESS", message));
				}
			});
		});
	}

	#forgetAsked(): void {
		for (const request of [...this.#asked.keys()]) this.#answered({ answer: request, refused: silent });
	}

	#answered(answer: Answer): void {
		this.#asked.get(answer.answer)?.(answer);
		this.#asked.delete(answer.answer);
	}

	/**
	 * Ends what keeps the mounts of a process that died: they stay as a fence, and whoever waits in them gets an error.
	 * `kill`: the process is ended first; a living one is left alone otherwise.
	 */
	async abandon(kill = false): Promise<void> {
		if (kill) await this.#kill();
		if (this.#pid !== null) return;
		await endHolders(this.#config.socket);
	}

	async #kill(): Promise<void> {
		if (this.#socket === null || this.#pid === null) return;
		this.#killed = true;
		// A connection that lives says that this pid is still the process's.
		process.kill(this.#pid, "SIGKILL");
		await this.#gone(this.#socket);
	}

	/** Waits for a process that ends by itself, since it could not open its directories; others are left alone. */
	async ended(): Promise<void> {
		if (this.#ending && this.#socket !== null) await this.#gone(this.#socket);
	}

	async #gone(socket: Socket): Promise<void> {
		const gone = once(socket, "close").catch(() => {});
		const limit = new AbortController();
		await Promise.race([gone, sleep(killMs, null, { signal: limit.signal }).catch(() => {})]);
		limit.abort();
		socket.destroy();
		await gone;
		this.#pid = null;
	}

	/** Lets go of the process, which runs on: the daemon ends. */
	release(): void {
		this.#closed = true;
		this.#releases++;
		this.#expected = true;
		this.#socket?.destroy();
		this.#socket = null;
		this.#forgetAsked();
	}

	/** Resolves when the process has introduced itself. */
	#take(socket: Socket): Promise<void> {
		this.#socket = socket;
		this.#expected = false;
		this.#ending = false;
		this.#closed = false;
		const lines = new Lines();
		socket.setEncoding("utf8");
		socket.on("error", () => socket.destroy());
		socket.on("close", () => this.#lost(socket));
		return new Promise((resolve) => {
			socket.on("close", () => resolve());
			socket.on("data", (chunk: string) => {
				const values = lines.push(chunk);
				if (values === null) socket.destroy();
				for (const value of values ?? []) this.#heard(value as FromProcess, resolve);
			});
		});
	}

	#heard(message: FromProcess, introduced: () => void): void {
		if ("hello" in message) {
			this.#pid = message.hello.pid;
			introduced();
		} else if ("answer" in message) this.#answered(message);
		else if ("progress" in message) this.#events.progress(message.progress);
		else if ("log" in message) this.#events.log(message.log.level, message.log.origin, message.log.text);
		else {
			const failedOpen = message.fact === "failed" && message.order === "open";
			if (message.fact === "closed" || failedOpen) this.#expected = true;
			this.#ending ||= failedOpen;
			this.#events.fact(message);
		}
	}

	/** The connection ended: the process may live (then it is found again), or it is gone. */
	#lost(socket: Socket): void {
		if (this.#socket !== socket) return;
		this.#socket = null;
		this.#forgetAsked();
		if (this.#closed) return;
		const expected = this.#expected;
		if (this.#killed) {
			this.#killed = false;
			this.#pid = null;
			if (!expected) this.#events.fact({ fact: "died", killed: true });
			return;
		}
		this.adopt().then(
			(found) => {
				if (found || this.#closed) return;
				this.#pid = null;
				if (!expected) this.#events.fact({ fact: "died" });
			},
			() => {
				if (!this.#closed) this.#events.fact({ fact: "died" });
			},
		);
	}
}

function tryConnect(path: string): Promise<Socket | null> {
	return new Promise((resolve) => {
		const socket = connect(path);
		socket.once("error", () => resolve(null));
		socket.once("connect", () => resolve(socket));
	});
}
