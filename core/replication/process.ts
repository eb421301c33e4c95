/**
 * Main file of a replication process, one for each module (design §8): the main thread keeps the control socket, the
 * data thread does all the rest. The process lives on when the daemon dies, and is found again by its socket.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { MessageChannel, Worker } from "node:worker_threads";
import type { ReplicationFact, ReplicationOrder } from "../engine/replication.ts";
import { asSafekitError } from "../errors.ts";
import { errorAsText } from "../log/errorTexts.ts";
import { linuxSystem as system } from "../platform/linux/libc.ts";
import { keepCompiled } from "./compiled.ts";
import { readConfiguration } from "./control/configuration.ts";
import type { ProcessConfiguration, Sabotage } from "./control/context.ts";
import type { FromData, ToData } from "./control/dataThread.ts";
import { placeTaken, takePlace } from "./control/place.ts";
import { asOrder, type FromProcess, Lines } from "./control/protocol.ts";
import { asQuestion } from "./control/questions.ts";
import { endHolders, findHolderProcesses, startHolder } from "./holder/holder.ts";
import { TlsEngine } from "./link/tlsEngine.ts";
import { postAndWake } from "./loop/mailbox.ts";
import { startSyncer } from "./loop/syncerThread.ts";

/** What a daemon that is away gets when it comes back, at most. */
const maxMissed = 1000;
/** A process that could not start tells every order why, and ends when nobody has asked for so long. */
const fatalMs = 10_000;
const lastWordsMs = 500;
/** The collector is lazy on a machine with much memory: without a word to it, short-lived objects take 70 MB. */
const dataThreadMemory = { maxYoungGenerationSizeMb: 16 };
/** Changes of the session; the last one is told again to a daemon that connects. */
const standing: ReplicationFact["fact"][] = [
	"serving",
	"synced",
	"frozen",
	"thawed",
	"peerLost",
	"alone",
	"linkLost",
	"promoted",
	"sealed",
	"applyFailed",
	"diskFailed",
];

/** Only for proofs. */
const sabotages: Record<Sabotage, string> = {
	"trust-cache": "what the cache holds counts as stored, although the disk failed",
	"early-ack": "changes are acknowledged before the other server has them",
	"no-marks": "no marks are written: after a crash differences stay",
	"no-intents": "what was done is forgotten when this process dies",
	"no-sync": "nothing is synced before this server goes on alone",
	"crashed-start": "a server that may lack changes starts without meeting the other",
	"late-marks": "marks are written after the change: after a crash differences may stay",
};

class ControlServer {
	readonly #config: ProcessConfiguration;
	readonly #port;
	readonly #wakeFd: number;
	readonly #tls: TlsEngine;
	readonly #server;
	#client: Socket | null = null;
	#missed: FromProcess[] = [];
	readonly #now = new Map<string, FromProcess>();
	#fatal: { code: string; message: string } | null = null;
	/** The last order: the data thread may have failed to start before it could answer. */
	#unanswered: ReplicationOrder["order"] | null = null;
	#ended = false;
	/** `closed`: whoever hears it may start the next process at once, which must not meet this one. */
	#lastWord: FromProcess | null = null;

	/** @param holders of a process that died and whose mounts are to be taken over; null: there is none. */
	constructor(config: ProcessConfiguration, sabotage: Sabotage | null, holders: number[] | null) {
		this.#config = config;
		this.#wakeFd = system.eventfd();
		const { port1, port2 } = new MessageChannel();
		this.#port = port1;
		const key = Buffer.from(config.key, "hex");
		this.#tls = new TlsEngine(key, (message) => postAndWake(system, port1, this.#wakeFd, message));
		const worker = new Worker(new URL("./control/dataThread.ts", import.meta.url), {
			workerData: { config, port: port2, wakeFd: this.#wakeFd, sabotage, holders },
			transferList: [port2],
			execArgv: [],
			resourceLimits: dataThreadMemory,
		});
		port1.on("message", (message: FromData) => this.#fromData(message));
		worker.on("error", (error) => this.#died(error));
		worker.on("exit", () => {
			// Its last words may come after the news of its end.
			setTimeout(() => {
				if (!this.#ended && this.#fatal === null) this.#died("the data thread ended");
			}, lastWordsMs);
		});
		this.#server = createServer((socket) => this.#connected(socket));
	}

	listen(): void {
		const { socket } = this.#config;
		rmSync(socket, { force: true });
		const before = process.umask(0o177);
		this.#server.listen(socket, () => chmodSync(socket, 0o600));
		process.umask(before);
		this.#server.on("error", (error) => this.#died(error));
	}

	/** Into the module log, also of a daemon that connects later. */
	warn(text: string): void {
		this.#write({ log: { level: "W", origin: "rfsplug", text } });
	}

	#connected(socket: Socket): void {
		this.#client?.destroy();
		this.#client = socket;
		const lines = new Lines();
		socket.setEncoding("utf8");
		socket.on("error", () => socket.destroy());
		socket.on("close", () => {
			if (this.#client === socket) this.#client = null;
		});
		socket.on("data", (chunk: string) => {
			const values = lines.push(chunk);
			if (values === null) socket.destroy();
			for (const value of values ?? []) this.#ordered(value);
		});
		this.#write({ hello: { module: this.#config.module, pid: process.pid } });
		const missed = this.#missed;
		this.#missed = [];
		for (const message of missed) this.#write(message);
		for (const message of this.#now.values()) if (!missed.includes(message)) this.#write(message);
	}

	#ordered(value: unknown): void {
		const question = asQuestion(value);
		const order = question ?? asOrder(value);
		if (order === null) {
			this.#write({ log: { level: "W", origin: "rfsplug", text: "An order that is none was ignored" } });
		} else if (this.#fatal !== null && "ask" in order) {
			this.#write({ answer: order.request, refused: this.#fatal });
		} else if (this.#fatal !== null && "order" in order) {
			this.#write({ fact: "failed", order: order.order, ...this.#fatal });
			this.#end();
		} else {
			if ("order" in order) this.#unanswered = order.order;
			postAndWake(system, this.#port, this.#wakeFd, order);
		}
	}

	#fromData(message: FromData): void {
		if ("ended" in message) {
			this.#end();
		} else if ("hold" in message) {
			const child = this.#ended ? null : startHolder(this.#config.socket, message.hold);
			const started: ToData = { holder: child?.pid ?? 0 };
			postAndWake(system, this.#port, this.#wakeFd, started);
		} else if ("syncer" in message) {
			startSyncer(message.syncer).on("error", (error) => this.#died(error));
		} else if ("keep" in message) {
			void endHolders(this.#config.socket, message.keep);
		} else if ("fatal" in message) {
			this.#fatal = message.fatal;
			process.stderr.write(`${message.fatal.code}: ${message.fatal.message}\n`);
			// Whoever waits in a mount that nobody will serve gets an error.
			void endHolders(this.#config.socket);
			if (this.#unanswered === null) setTimeout(() => this.#end(), fatalMs);
			else {
				this.#write({ fact: "failed", order: this.#unanswered, ...message.fatal });
				this.#end();
			}
		} else if ("tls" in message) {
			this.#tls.take(message);
		} else if ("fact" in message && message.fact === "closed") {
			this.#lastWord = message;
		} else {
			this.#remember(message);
			this.#write(message);
		}
	}

	/** What is true now, for the next daemon. */
	#remember(message: FromProcess): void {
		if ("progress" in message) this.#now.set("progress", message);
		if (!("fact" in message)) return;
		if (message.fact === "records" || message.fact === "link") this.#now.set(message.fact, message);
		if (!standing.includes(message.fact)) return;
		this.#now.delete("standing");
		this.#now.set("standing", message);
	}

	#write(message: FromProcess): void {
		if (this.#client?.writable === true) this.#client.write(`${JSON.stringify(message)}\n`);
		else if (!("progress" in message || "answer" in message) && this.#missed.length < maxMissed)
			this.#missed.push(message);
	}

	/** Answers are on their way; then nothing of this process is left, and only then it is said. */
	#end(): void {
		this.#ended = true;
		this.#server.close();
		rmSync(this.#config.socket, { force: true });
		const leave = (): void => process.exit(this.#fatal === null ? 0 : 1);
		void endHolders(this.#config.socket).finally(() => {
			if (this.#lastWord !== null) this.#write(this.#lastWord);
			if (this.#client === null) leave();
			else this.#client.end(leave);
			setTimeout(leave, 1000);
		});
	}

	/** A defect: the mount stays behind as a fence, so that nothing is written beside the replication. */
	#died(error: unknown): void {
		process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
		process.kill(process.pid, "SIGKILL");
	}
}

function sabotageOf(value: string | undefined): Sabotage | null {
	return value !== undefined && Object.hasOwn(sabotages, value) ? (value as Sabotage) : null;
}

async function main(): Promise<void> {
	let text = "";
	for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
	const config = readConfiguration(text);
	if (!takePlace(system, config.socket)) {
		process.exitCode = placeTaken;
		return;
	}
	const sabotage = sabotageOf(process.env.OPENSAFE_SABOTAGE);
	const adopts = process.argv[2] === "adopt";
	if (!adopts) await endHolders(config.socket);
	const server = new ControlServer(config, sabotage, adopts ? findHolderProcesses(config.socket) : null);
	server.listen();
	keepCompiled();
	if (sabotage !== null) server.warn(`OPENSAFE_SABOTAGE=${sabotage}: ${sabotages[sabotage]}`);
	// The daemon decides when it ends; a terminal or a service manager that stops the daemon does not.
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
}

main().catch((error: unknown) => {
	process.stderr.write(errorAsText(asSafekitError(error)));
	process.exitCode = 1;
});
