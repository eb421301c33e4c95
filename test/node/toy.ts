/** Starts toy daemons on directories of their own, gives them commands, and leaves nothing behind. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { makeTestFolder } from "../folder.ts";
import { wholeLines } from "../lines.ts";

const root = join(import.meta.dirname, "../..");
export const launcher = join(root, "core/cli/safekit.mjs");

export interface Answer {
	code: number | null;
	out: string;
	err: string;
}

export class Toy {
	readonly folder = makeTestFolder("node");
	readonly safe = join(this.folder, "safe");
	readonly safevar = join(this.folder, "var");
	readonly env: NodeJS.ProcessEnv;
	#child: ChildProcess | undefined;

	constructor(t: ExecutionContext, modules: Record<string, Record<string, string>>) {
		this.env = { ...process.env, SAFE: this.safe, SAFEVAR: this.safevar, SAFEMODULE: undefined };
		for (const [name, scripts] of Object.entries(modules)) {
			const bin = join(this.safe, "private/modules", name, "bin");
			mkdirSync(bin, { recursive: true });
			for (const [script, text] of Object.entries(scripts)) {
				writeFileSync(join(bin, script), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
			}
		}
		for (const folder of [this.safevar, join(this.safe, "private/modules")]) mkdirSync(folder, { recursive: true });
		writeFileSync(join(this.safe, "safekit"), `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`, {
			mode: 0o755,
		});
		t.teardown(async () => {
			await this.kill("SIGKILL");
			rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
		});
	}

	/** Starts the daemon and waits until it answers. */
	async start(env: Record<string, string> = {}): Promise<void> {
		this.#child = spawn(process.execPath, [join(import.meta.dirname, "toyDaemon.ts")], {
			env: { ...this.env, ...env },
			stdio: ["ignore", "pipe", "inherit"],
		});
		await Promise.race([
			once(this.#child.stdout as NodeJS.ReadableStream, "data"),
			once(this.#child, "exit").then(() => Promise.reject(new Error("the daemon ended"))),
		]);
	}

	/** Ends the daemon and waits for its end. True if it was running. */
	async kill(signal: "SIGKILL" | "SIGTERM"): Promise<boolean> {
		const child = this.#child;
		if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
		child.kill(signal);
		await once(child, "exit");
		return true;
	}

	get pid(): number | undefined {
		return this.#child?.pid;
	}

	/** `safekit …`. */
	run(...args: string[]): Answer {
		return this.runWith({}, ...args);
	}

	runWith(env: Record<string, string>, ...args: string[]): Answer {
		const done = spawnSync(process.execPath, [launcher, ...args], { env: { ...this.env, ...env }, encoding: "utf8" });
		return { code: done.status, out: done.stdout, err: done.stderr };
	}

	/** Lines that scripts wrote with `echo … >> $SAFEVAR/said`. */
	said(): string[] {
		return wholeLines(join(this.safevar, "said"));
	}

	async until(what: () => boolean, seconds = 30): Promise<void> {
		for (const end = Date.now() + seconds * 1000; !what(); await sleep(50)) {
			if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
		}
	}
}
