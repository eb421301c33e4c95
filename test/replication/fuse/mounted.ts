/** Serves a fresh directory for a test, and takes everything away again, whatever happened. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { diskFolder, makeTestFolder } from "../../folder.ts";
import type { MountOptions, MountOrder } from "./mountProcess.ts";

export interface Report {
	counts: Record<string, number>;
	problems: string[];
	pending: number;
	/** Files and directories that were synced in the served directory. */
	synced: string[];
	/** Threads that read what is not in memory. */
	readers: number;
	/** Reads that reached the process. */
	reads: number;
}

type Answer = Record<string, unknown>;

export class Mounted {
	readonly base: string;
	/** What is mounted. */
	readonly dir: string;
	/** Where every operation is repeated. */
	readonly copy: string;
	/** The same files natively, for comparison with what the file system underneath does. */
	readonly native: string;
	process: ChildProcess | null = null;
	#lines: Interface | null = null;
	readonly #answers: Answer[] = [];
	#waiting: ((answer: Answer) => void) | null = null;
	stderr = "";

	constructor(name = "some dir é") {
		this.base = makeTestFolder("fuse", diskFolder);
		[this.dir, this.copy, this.native] = [name, "copy", "native"].map((part) => join(this.base, part)) as [
			string,
			string,
			string,
		];
		for (const dir of [this.dir, this.copy, this.native]) mkdirSync(dir);
	}

	async start(options: MountOptions = {}, dir = this.dir): Promise<void> {
		const program = join(import.meta.dirname, "mountProcess.ts");
		this.process = spawn(process.execPath, [program, dir, this.copy, JSON.stringify(options)], {
			stdio: ["pipe", "pipe", "pipe"],
		});
		this.process.stderr?.on("data", (text) => {
			this.stderr += text;
		});
		this.process.once("exit", () => this.#hear({ exited: true, stderr: this.stderr }));
		this.#lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream });
		this.#lines.on("line", (line) => this.#hear(JSON.parse(line) as Answer));
		const answer = await this.next();
		if (answer.mounted === undefined) throw new Error(`not mounted: ${this.stderr}`);
	}

	#hear(answer: Answer): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (waiting === null) this.#answers.push(answer);
		else waiting(answer);
	}

	next(): Promise<Answer> {
		const ready = this.#answers.shift();
		if (ready !== undefined) return Promise.resolve(ready);
		return new Promise((resolve) => {
			this.#waiting = resolve;
		});
	}

	order(order: MountOrder): Promise<Answer> {
		this.process?.stdin?.write(`${JSON.stringify(order)}\n`);
		return this.next();
	}

	async report(): Promise<Report> {
		return (await this.order({ do: "report" })) as unknown as Report;
	}

	/** Unmounts and ends the process; the directory underneath is in sight again. */
	async stop(): Promise<void> {
		const gone = await this.order({ do: "unmount" });
		if (gone.gone !== true) throw new Error(`unmount: ${JSON.stringify(gone)}`);
		await this.next();
		await this.exit();
	}

	async exit(): Promise<void> {
		if (this.process?.exitCode === null) await this.order({ do: "exit" });
		this.process = null;
	}

	/** For teardown: kills what runs, removes what is mounted and what was written. */
	clean(): void {
		if (this.process?.exitCode === null) this.process.kill("SIGKILL");
		for (let count = 0; count < 5 && isMounted(this.dir); count++) execFileSync("umount", ["-l", this.dir]);
		rmSync(this.base, { recursive: true, force: true });
	}
}

/** Asks the mount table, not the mount. */
export function isMounted(dir: string): boolean {
	const escaped = dir.replace(/ /g, "\\040");
	return readFileSync("/proc/self/mountinfo", "utf8")
		.split("\n")
		.some((line) => line.split(" ")[4] === escaped);
}

/** Runs a shell script in a directory, never blocking this process's own event loop. */
export async function sh(dir: string, script: string): Promise<{ code: number; out: string }> {
	const child = spawn("bash", ["-c", script], { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
	let out = "";
	child.stdout.on("data", (text) => {
		out += text;
	});
	child.stderr.on("data", (text) => {
		out += text;
	});
	const code = await new Promise<number>((resolve) => child.once("close", (exit) => resolve(exit ?? -1)));
	return { code, out };
}
