/** Writers that never give up early: each answer that is no success is an error of the application. */
import { setTimeout as sleep } from "node:timers/promises";

const answerWithinMs = 20_000;
const maxErrors = 100;

export class Load {
	readonly acknowledged: string[] = [];
	readonly errors: string[] = [];
	readonly #url: string;
	readonly #name: string;
	#running = true;
	#next = 0;
	readonly #writers: Promise<void>[];

	/** Starts `writers` that append one after another to the demo's service at `url`. @param name of its ids. */
	constructor(url: string, writers: number, name = "l") {
		this.#url = url;
		this.#name = name;
		this.#writers = Array.from({ length: writers }, () => this.#write());
	}

	async stop(): Promise<void> {
		this.#running = false;
		await Promise.all(this.#writers);
	}

	/** Waits until another `count` writes are acknowledged. */
	async more(count: number, withinMs: number): Promise<void> {
		const wanted = this.acknowledged.length + count;
		const giveUp = performance.now() + withinMs;
		while (this.acknowledged.length < wanted) {
			if (performance.now() > giveUp)
				throw new Error(`no ${count} writes within ${withinMs} ms: ${this.errors.at(-1)}`);
			await sleep(20);
		}
	}

	/** Acknowledged writes that are not there any more. */
	async lost(): Promise<string[]> {
		const answer = await fetch(`${this.#url}/ids`, { signal: AbortSignal.timeout(answerWithinMs) });
		const there = new Set((await answer.text()).split("\n"));
		return this.acknowledged.filter((id) => !there.has(id));
	}

	async #write(): Promise<void> {
		while (this.#running) {
			const id = `${this.#name}-${this.#next++}`;
			try {
				const signal = AbortSignal.timeout(answerWithinMs);
				const answer = await fetch(`${this.#url}/append`, { method: "POST", body: id, signal });
				await answer.text();
				if (answer.status === 200) this.acknowledged.push(id);
				else this.#fail(`${id}: HTTP ${answer.status}`);
			} catch (error) {
				this.#fail(`${id}: ${error instanceof Error ? (error.cause ?? error.message) : error}`);
				await sleep(50);
			}
		}
	}

	#fail(text: string): void {
		if (this.errors.length < maxErrors) this.errors.push(`${new Date().toISOString()} ${text}`);
	}
}
