/** An application that counts what was acknowledged to it: numbered lines, some of them fsynced. */

import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const files = 4;

export class Writer {
	readonly #dir: string;
	/** Per file: lines whose write has returned. */
	readonly acknowledged: number[] = Array(files).fill(0);
	failed: NodeJS.ErrnoException[] = [];
	/** The longest time that one write took. */
	longestMs = 0;
	#stopped = false;

	constructor(dir: string) {
		this.#dir = dir;
	}

	get total(): number {
		return this.acknowledged.reduce((sum, count) => sum + count, 0);
	}

	/** Writes until `stop` or an error. */
	async run(): Promise<void> {
		await Promise.all(this.acknowledged.map((_, index) => this.#write(index)));
	}

	/** Every file has got its first lines, however slow the machine is. */
	async started(): Promise<void> {
		while (this.failed.length === 0 && this.acknowledged.some((count) => count < 5)) await sleep(10);
	}

	stop(): void {
		this.#stopped = true;
	}

	async #write(index: number): Promise<void> {
		const file = await open(join(this.#dir, `lines${index}`), "a");
		try {
			while (!this.#stopped) {
				const next = this.acknowledged[index]! + 1;
				const began = performance.now();
				await file.write(`${next}\n`);
				if (next % 10 === 0) await file.sync();
				this.longestMs = Math.max(this.longestMs, performance.now() - began);
				this.acknowledged[index] = next;
			}
		} catch (error) {
			this.failed.push(error as NodeJS.ErrnoException);
		}
		// Closing a file of a mount that died fails too.
		await file.close().catch(() => {});
	}

	/** Acknowledged lines that are not in the files below `dir`. */
	lostIn(dir: string): number {
		return this.acknowledged.reduce((lost, count, index) => {
			let text = "";
			try {
				text = readFileSync(join(dir, `lines${index}`), "utf8");
			} catch {
				// A file that is not there has lost everything.
			}
			const there = new Set(text.split("\n"));
			for (let line = 1; line <= count; line++) if (!there.has(String(line))) lost++;
			return lost;
		}, 0);
	}
}
