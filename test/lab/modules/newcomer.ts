/** The way of somebody who writes a module: `safekit module …` in a folder that was empty. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { makeTestFolder } from "../../folder.ts";

const safekit = join(import.meta.dirname, "../../../core/cli/safekit.mjs");
const withinMs = 10 * 60_000;

export class Newcomer {
	readonly folder = makeTestFolder("newcomer");

	constructor() {
		mkdirSync(this.folder, { recursive: true });
	}

	/** What a `safekit module` command prints on stdout; throws with all it said if it fails. */
	async module(words: string): Promise<string> {
		const done = await this.attempt(words);
		if (done.exitCode !== 0) throw new Error(`module ${words} ended with ${done.exitCode}:\n${done.all}`);
		return done.stdout;
	}

	async attempt(words: string) {
		const options = { cwd: this.folder, reject: false, all: true, stdin: "ignore", timeout: withinMs } as const;
		return await execa(process.execPath, [safekit, "module", ...words.split(" ")], options);
	}

	/** Edits a file. */
	edit(file: string, from: string, to: string): void {
		const path = join(this.folder, file);
		const text = readFileSync(path, "utf8");
		if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
		writeFileSync(path, text.replace(from, to));
	}

	get files(): string[] {
		return readdirSync(this.folder).sort();
	}

	remove(): void {
		rmSync(this.folder, { recursive: true, force: true });
	}
}
