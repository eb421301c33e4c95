/**
 * A program: many HTTP clients, each with its own address, that ask one server address again and again and note when
 * an answer comes, and from whom. Its first line of input is a MeterPlan; then each line `report` is answered with one
 * line of JSON, a Report since the report before. It ends with its input. Answers name their server in `X-Server`.
 */
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

export interface MeterPlan {
	target: string;
	port: number;
	/** The address of each client; one that stands here twice is two clients. */
	sources: string[];
	/** `keep`: one connection for all requests of a client, the next one `everyMs` after the last. `new`: one for each, whether the last was answered or not. */
	mode: "keep" | "new";
	everyMs: number;
	/** A request that has no answer by then has failed. */
	answerMs: number;
	/** Ends by itself after so many requests of each client; 0: never. */
	times: number;
}

export interface ClientReport {
	source: string;
	/** Who answered first and last in the time of the report; null: nobody. */
	first: string | null;
	last: string | null;
	/** Longest time between two answers, the last one before the report included, and the wait that goes on. */
	gapMs: number;
	answered: number;
	failed: number;
}

export interface Report {
	answered: number;
	/** Failed requests by their reason: an error code, `timeout`, or `ended` when the server closed in the middle. */
	failed: Record<string, number>;
	/** Idle connections that the server reset. */
	idleResets: number;
	/** Connections made. */
	connections: number;
	/** Answers by server. */
	servers: Record<string, number>;
	clients: ClientReport[];
}

const plan = await firstLine();
const isSix = plan.target.includes(":");
const request = `GET / HTTP/1.1\r\nHost: ${isSix ? `[${plan.target}]` : plan.target}\r\n${plan.mode === "new" ? "Connection: close\r\n" : ""}\r\n`;
const totals = {
	failed: {} as Record<string, number>,
	idleResets: 0,
	connections: 0,
	servers: {} as Record<string, number>,
};

class Client {
	readonly #source: string;
	#report: ClientReport;
	#lastAnswer = performance.now();
	#asked = 0;
	/** Of the mode `keep`: its connection, and what is to be done about the request that is under way. */
	#kept: Socket | null = null;
	#pending: ((reason: string | null) => void) | null = null;

	constructor(source: string) {
		this.#source = source;
		this.#report = this.#empty();
	}

	ask(): void {
		if (plan.times > 0 && this.#asked >= plan.times) return;
		this.#asked++;
		if (plan.mode === "new") {
			setTimeout(() => this.ask(), plan.everyMs);
			this.#askOnce();
		} else this.#askKept();
	}

	/** True once all that was to be asked has ended. */
	get isDone(): boolean {
		const { answered, failed } = this.#report;
		return plan.times > 0 && answered + failed >= plan.times;
	}

	report(): ClientReport {
		const gapMs = Math.max(this.#report.gapMs, performance.now() - this.#lastAnswer);
		const report = { ...this.#report, gapMs };
		this.#report = this.#empty();
		return report;
	}

	#empty(): ClientReport {
		return { source: this.#source, first: null, last: null, gapMs: 0, answered: 0, failed: 0 };
	}

	#askOnce(): void {
		const socket = open(this.#source);
		let heard = "";
		const end = (reason: string | null): void => {
			clearTimeout(timer);
			socket.removeAllListeners().on("error", () => {});
			socket.resetAndDestroy();
			if (reason === null) this.#answered(heard);
			else this.#failed(reason);
		};
		const timer = setTimeout(() => end("timeout"), plan.answerMs);
		socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
		socket.on("end", () => end("ended"));
		socket.on("data", (text: string) => {
			heard += text;
			if (isWhole(heard)) end(refusalIn(heard));
		});
		socket.write(request);
	}

	#askKept(): void {
		const from = performance.now();
		this.#kept ??= this.#open();
		const timer = setTimeout(() => this.#pending?.("timeout"), plan.answerMs);
		this.#pending = (reason) => {
			clearTimeout(timer);
			this.#pending = null;
			if (reason !== null) this.#drop();
			if (reason !== null) this.#failed(reason);
			setTimeout(() => this.ask(), Math.max(0, from + plan.everyMs - performance.now()));
		};
		this.#kept.write(request);
	}

	#open(): Socket {
		const socket = open(this.#source);
		let heard = "";
		socket.on("data", (text: string) => {
			heard += text;
			if (!isWhole(heard)) return;
			const refused = refusalIn(heard);
			if (refused === null) this.#answered(heard);
			// The server says that it goes: the next request begins anew.
			if (/^connection: close/im.test(heard)) this.#drop();
			heard = "";
			this.#pending?.(refused);
		});
		const lost = (reason: string): void => {
			if (this.#kept !== socket) return;
			this.#drop();
			if (this.#pending !== null) this.#pending(reason);
			else if (reason === "ECONNRESET") totals.idleResets++;
		};
		socket.on("error", (error: NodeJS.ErrnoException) => lost(error.code ?? error.message));
		socket.on("end", () => lost("ended"));
		return socket;
	}

	#drop(): void {
		this.#kept?.removeAllListeners().on("error", () => {});
		this.#kept?.destroy();
		this.#kept = null;
	}

	#answered(text: string): void {
		const now = performance.now();
		const server = /^x-server: (\S+)/im.exec(text)?.[1] ?? "nobody";
		this.#report.gapMs = Math.max(this.#report.gapMs, now - this.#lastAnswer);
		this.#lastAnswer = now;
		this.#report.answered++;
		this.#report.first ??= server;
		this.#report.last = server;
		totals.servers[server] = (totals.servers[server] ?? 0) + 1;
	}

	#failed(reason: string): void {
		this.#report.failed++;
		totals.failed[reason] = (totals.failed[reason] ?? 0) + 1;
	}
}

function open(source: string): Socket {
	totals.connections++;
	const socket = connect({ host: plan.target, port: plan.port, localAddress: source, family: isSix ? 6 : 4 });
	return socket.setNoDelay(true).setEncoding("latin1");
}

function isWhole(text: string): boolean {
	const head = text.indexOf("\r\n\r\n");
	if (head < 0) return false;
	return text.length - head - 4 >= Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
}

/** Null: the answer is one; else what the server says in place of it. */
function refusalIn(text: string): string | null {
	return text.startsWith("HTTP/1.1 200 ") ? null : (/^HTTP\/1\.1 \d+/.exec(text)?.[0] ?? "no HTTP");
}

async function firstLine(): Promise<MeterPlan> {
	const lines = createInterface({ input: process.stdin });
	const first = Promise.withResolvers<MeterPlan>();
	lines.once("line", (text) => {
		first.resolve(JSON.parse(text));
		lines.on("line", report);
	});
	lines.on("close", () => process.exit(0));
	return first.promise;
}

function report(): void {
	const each = clients.map((client) => client.report());
	const answered = each.reduce((sum, client) => sum + client.answered, 0);
	process.stdout.write(`${JSON.stringify({ answered, ...totals, clients: each } satisfies Report)}\n`);
	Object.assign(totals, { failed: {}, idleResets: 0, connections: 0, servers: {} });
}

// Spread over the time between two requests, so that they do not all come at once.
const clients = plan.sources.map((source) => new Client(source));
for (const [index, client] of clients.entries())
	setTimeout(() => client.ask(), (index * plan.everyMs) / clients.length);
if (plan.times > 0)
	setInterval(() => {
		if (!clients.every((client) => client.isDone)) return;
		report();
		process.exit(0);
	}, 10);
