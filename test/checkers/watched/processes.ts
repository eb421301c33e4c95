/** Real processes with names of their own: copies of `sleep`, ended with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { makeTestFolder } from "../../folder.ts";

export class Processes {
	readonly #folder = makeTestFolder("processes");
	readonly #children = new Set<ChildProcess>();

	constructor(t: ExecutionContext) {
		t.teardown(async () => {
			await this.end();
			rmSync(this.#folder, { recursive: true, force: true });
		});
	}

	/** Starts processes of a name, with words after the time to sleep; resolves when they have their names. */
	async start(name: string, count = 1, ...words: string[]): Promise<void> {
		const file = join(this.#folder, name);
		copyFileSync("/bin/sleep", file);
		for (let started = 0; started < count; started++) {
			const child = spawn(file, ["1000", ...words], { stdio: "ignore" });
			await once(child, "spawn");
			this.#children.add(child);
		}
	}

	/** Ends those of a name, or all. */
	async end(name?: string): Promise<void> {
		for (const child of this.#children) {
			if (name !== undefined && child.spawnfile !== join(this.#folder, name)) continue;
			this.#children.delete(child);
			if (child.exitCode !== null || child.signalCode !== null) continue;
			child.kill("SIGKILL");
			await once(child, "exit");
		}
	}
}
