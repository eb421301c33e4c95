/**
 * One plugin in a thread of its own, as the node sees it. Whatever the plugin does there, loops and `process.exit`
 * included, every call here is answered in time; a thread that does not give way is ended, and a new one is started
 * with the next call.
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { AdvisedModule, CheckerAnswer, CheckerTarget } from "../../engine/plugin.ts";
import { SafekitError } from "../../errors.ts";
import type { Answer, Description, Found, FromPlugin, ToPlugin } from "./protocol.ts";

export interface HostTimes {
	/** Import and setup together. */
	loadMs: number;
	adviseMs: number;
	/** How long a thread may leave an aborted test without an answer. */
	blockedMs: number;
	/** After a death: doubled with each further one, at most a minute. */
	backOffMs: number;
}

const usualTimes: HostTimes = { loadMs: 20_000, adviseMs: 10_000, blockedMs: 3000, backOffMs: 1000 };
/** Beyond that the thread ends, and nothing else. */
const maxMemoryMb = 256;
const maxBackOffMs = 60_000;
const program = join(import.meta.dirname, "worker.ts");

/** The orders without their numbers. */
type Order = ToPlugin extends infer Each ? (Each extends unknown ? Omit<Each, "id"> : never) : never;

export class PluginHost {
	readonly folder: string;
	readonly #times: HostTimes;
	readonly #waiting = new Map<number, { answered(answer: Answer): void; died(error: Error): void }>();
	#worker: Worker | null = null;
	#loading: Promise<Description> | null = null;
	#id = 0;
	#deaths = 0;
	#notBeforeMs = 0;
	#lastDeath = "";

	constructor(folder: string, times: Partial<HostTimes> = {}) {
		this.folder = folder;
		this.#times = { ...usualTimes, ...times };
	}

	/** Starts the thread, unless it runs. @throws SafekitError NODE_PLUGIN: why it is no plugin. */
	load(): Promise<Description> {
		if (performance.now() < this.#notBeforeMs) {
			return Promise.reject(failure(`plugin ${this.folder} ended: ${this.#lastDeath}`));
		}
		this.#loading ??= this.#start();
		return this.#loading;
	}

	/** Tests once. Settles soon after `signal` is aborted. */
	async test(kind: string, target: CheckerTarget, signal: AbortSignal): Promise<CheckerAnswer> {
		await this.load();
		const answer = await this.#call({ do: "test", kind, target }, signal);
		if ("verdict" in answer) return answer.verdict;
		throw new Error(typeof answer.failed === "string" ? answer.failed : "the plugin answered something else");
	}

	/** What the plugin finds, and what is wrong with its advice. */
	async advise(module: AdvisedModule): Promise<{ found: Found[]; failed: string[] }> {
		try {
			await this.load();
			const signal = AbortSignal.timeout(this.#times.adviseMs);
			const answer = await this.#call({ do: "advise", module }, signal);
			if ("found" in answer) return answer;
			return { found: [], failed: ["failed" in answer ? String(answer.failed) : "it answered something else"] };
		} catch (error) {
			return { found: [], failed: [(error as Error).message] };
		}
	}

	async stop(): Promise<void> {
		const worker = this.#worker;
		this.#gone("it was stopped");
		[this.#notBeforeMs, this.#deaths] = [0, 0];
		await worker?.terminate();
	}

	#start(): Promise<Description> {
		const worker = new Worker(program, {
			workerData: { folder: this.folder },
			resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb },
			stdout: true,
			stderr: true,
		});
		this.#worker = worker;
		// A plugin's own words must not stand in the answer to a command.
		for (const words of [worker.stdout, worker.stderr]) words.on("data", (text) => process.stderr.write(text));
		return new Promise((resolve, reject) => {
			const { loadMs } = this.#times;
			const late = setTimeout(() => end(`import and setup did not end within ${loadMs / 1000} s`), loadMs);
			const end = (why: string): void => {
				clearTimeout(late);
				reject(failure(why));
				if (this.#worker === worker) this.#gone(why);
				void worker.terminate();
			};
			worker.on("message", (message: FromPlugin) => {
				if ("loaded" in message) {
					clearTimeout(late);
					// It keeps no process alive by itself: only calls do.
					worker.unref();
					resolve(message.loaded);
				} else if ("failed" in message) end(message.failed);
				else this.#answered(message.id, message.answer);
			});
			worker.on("messageerror", () => end("it sent something that is no data"));
			worker.on("error", (error) => end((error as Error)?.message ?? String(error)));
			worker.on("exit", (code) => end(`it ended by itself (${code})`));
		});
	}

	#call(order: Order, signal: AbortSignal): Promise<Answer> {
		const worker = this.#worker;
		if (worker === null) return Promise.reject(failure(`plugin ${this.folder} ended: ${this.#lastDeath}`));
		const id = ++this.#id;
		return new Promise((resolve, reject) => {
			let blocked: NodeJS.Timeout | undefined;
			const aborted = (): void => {
				worker.postMessage({ id, do: "abort" } satisfies ToPlugin);
				blocked = setTimeout(() => {
					this.#gone("it did not give way");
					void worker.terminate();
				}, this.#times.blockedMs);
			};
			const done = (): void => {
				this.#waiting.delete(id);
				clearTimeout(blocked);
				signal.removeEventListener("abort", aborted);
				if (this.#waiting.size === 0) worker.unref();
			};
			this.#waiting.set(id, {
				answered(answer) {
					done();
					resolve(answer);
				},
				died(error) {
					done();
					reject(error);
				},
			});
			worker.ref();
			worker.postMessage({ id, ...order });
			if (signal.aborted) aborted();
			else signal.addEventListener("abort", aborted, { once: true });
		});
	}

	#answered(id: number, answer: Answer): void {
		this.#deaths = 0;
		this.#waiting.get(id)?.answered(answer);
	}

	#gone(why: string): void {
		this.#worker = null;
		this.#loading = null;
		this.#lastDeath = why;
		this.#notBeforeMs = performance.now() + Math.min(this.#times.backOffMs * 2 ** this.#deaths++, maxBackOffMs);
		for (const { died } of [...this.#waiting.values()]) died(failure(why));
	}
}

function failure(why: string): SafekitError {
	return new SafekitError("NODE_PLUGIN", why);
}
