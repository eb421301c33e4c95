/** The process of the isolates, from the daemon's side: starts it, talks to it, notices its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { emptyBox, makeBox } from "./box.ts";
import { Channel } from "./channel.ts";
import { processLimits } from "./limits.ts";
import type { FromProcess, ToProcess } from "./messages.ts";
import { starter } from "./program.ts";
import { askProgram } from "./reader/reader.ts";
import { readMessage } from "./reading.ts";
import type { SandboxSystem } from "./system.ts";

export interface ChildOptions {
	system: SandboxSystem;
	/** A folder for an empty folder and the box; it is made where it is missing. */
	folder: string;
	dataMb: number;
	heard(message: FromProcess): void;
	/** Called once. `suspects`: the checkers that were inside an isolate then, none when it was ended by `close`. */
	died(suspects: number[], why: string): void;
}

/** No compiler of machine code, no background threads of V8; isolated-vm needs the first one. */
const flags = [
	"--no-node-snapshot",
	"--jitless",
	"--no-lazy-feedback-allocation",
	"--single-threaded",
	"--no-warnings",
	"--max-old-space-size=256",
];
/** What it says on its standard error before it dies; only the end of it is kept. */
const lastWords = 2000;

export class Child {
	readonly #options: ChildOptions;
	readonly #process: ChildProcess;
	readonly #channel: Channel;
	readonly #box: number;
	readonly #startTimer: NodeJS.Timeout;
	/** Runs by checker that it has to give up, with what happens if it does not. */
	readonly #givenUp = new Map<number, NodeJS.Timeout>();
	readonly ended: Promise<void>;
	readonly #early: ToProcess[] = [];
	#hasProgram = false;
	#words = "";
	#why = "";
	#closing = false;

	constructor(options: ChildOptions) {
		this.#options = options;
		const { folder, system, dataMb } = options;
		const empty = join(folder, "empty");
		mkdirSync(empty, { recursive: true, mode: 0o755 });
		this.#box = makeBox(folder);
		const { file, args } = system.confined(process.execPath, [...flags, "-e", starter, "--", empty], { dataMb });
		const env = { TZ: Intl.DateTimeFormat().resolvedOptions().timeZone, UV_USE_IO_URING: "0", MALLOC_ARENA_MAX: "1" };
		const stdio = ["pipe", "ignore", "pipe", "pipe", this.#box] as const;
		this.#process = spawn(file, args, { env, cwd: "/", stdio: [...stdio] });
		this.#process.stdin?.on("error", () => undefined);
		this.#process.stderr?.on("data", (chunk: Buffer) => {
			this.#words = (this.#words + chunk.toString("utf8")).slice(-lastWords);
		});
		this.#channel = new Channel(this.#process.stdio[3] as Socket, {
			heard: (message) => this.#heard(message),
			broken: (why) => this.kill(why),
		});
		this.#startTimer = setTimeout(() => this.kill("it did not begin to work in time"), processLimits.startMs);
		this.ended = new Promise((resolve) => {
			this.#process.once("error", (error) => this.#over(error.message, resolve));
			this.#process.once("exit", (code, signal) => this.#over(signal ?? `exit code ${code}`, resolve));
		});
		void this.#giveProgram();
	}

	/** What is sent before it runs waits in the pipe, behind the sources of what runs inside the isolates. */
	async #giveProgram(): Promise<void> {
		try {
			const { main, files, library } = await askProgram();
			this.#process.stdin?.end(JSON.stringify({ main, files }));
			this.#channel.send({ type: "library", ...library });
			for (const message of this.#early.splice(0)) this.#channel.send(message);
			this.#hasProgram = true;
		} catch (error) {
			this.kill(`its program cannot be read: ${(error as Error).message}`);
		}
	}

	get pid(): number | undefined {
		return this.#process.pid;
	}

	send(message: ToProcess): void {
		if (this.#hasProgram) this.#channel.send(message);
		else this.#early.push(message);
	}

	/** The time of a run is over. A process that does not answer to that is not alive any more. */
	giveUp(id: number, run: number): void {
		this.send({ type: "end", id, run });
		clearTimeout(this.#givenUp.get(id));
		const kill = (): void => this.kill("it did not give up a run in time");
		this.#givenUp.set(id, setTimeout(kill, processLimits.stuckMs));
	}

	#gaveUp(...ids: number[]): void {
		for (const id of ids) {
			clearTimeout(this.#givenUp.get(id));
			this.#givenUp.delete(id);
		}
	}

	kill(why: string): void {
		if (this.#why === "") this.#why = why;
		this.#process.kill("SIGKILL");
	}

	/** Ends it; resolves when nothing is left of it. `died` is not called. */
	async close(): Promise<void> {
		this.#closing = true;
		this.kill("it is not needed any more");
		await this.ended;
	}

	#heard(raw: unknown): void {
		const message = readMessage(raw);
		if (message === null) this.kill("it sent a message that it may not send");
		else {
			if (message.type === "ready") clearTimeout(this.#startTimer);
			if (message.type === "ended") this.#gaveUp(message.id);
			if (message.type === "gone") this.#gaveUp(...message.ids);
			this.#options.heard(message);
		}
	}

	#over(how: string, resolve: () => void): void {
		clearTimeout(this.#startTimer);
		this.#gaveUp(...this.#givenUp.keys());
		this.#channel.close();
		const suspects = emptyBox(this.#box);
		resolve();
		if (this.#closing) return;
		const said = /(?:FATAL ERROR|Fatal|Error): [^\n]{0,300}/.exec(this.#words)?.[0];
		this.#options.died(suspects, [this.#why || how, said].filter((part) => part !== undefined).join(": "));
	}
}
