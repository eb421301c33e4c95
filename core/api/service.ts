/** The web service of the daemon on port 9010, where commands of other servers come in too. While somebody else has the port it is tried again; nothing waits for it. */
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import Koa, { type Context } from "koa";
import type { NodeControl } from "../cli/control.ts";
import { SafekitError } from "../errors.ts";
import { errorAsJson } from "../log/errorTexts.ts";
import { routesOf } from "./routes.ts";
import type { WebSettings } from "./settings.ts";

export interface WebOptions {
	settings: WebSettings;
	node: Pick<NodeControl, "nodeName" | "modules" | "module">;
	report(message: string, error?: unknown): void;
	/** Takes connections that begin with TLS: commands of other servers. */
	takeTls(socket: Socket): void;
	/** How long it waits before it tries to listen again. */
	retryMs?: number;
}

/** What one client, or many, may ask for at most. Requests carry no body that is read. */
const limits = {
	lookMs: 1000,
	connections: 256,
	headerBytes: 8192,
	headersMs: 5000,
	requestMs: 10_000,
	idleMs: 5000,
	aSocket: 1000,
};
const usualRetryMs = 5000;
/** The type of a first record of TLS; no method of HTTP begins so. */
const tlsHandshake = 0x16;

export class WebService {
	readonly #options: WebOptions;
	readonly #server: Server;
	#retry: NodeJS.Timeout | undefined;
	#told = false;
	#closed = false;

	/** Begins to listen; `report` hears when that is not possible. */
	constructor(options: WebOptions) {
		this.#options = options;
		this.#server = serverOf(applicationOf(options));
		sortOut(this.#server, options.takeTls);
		for (const problem of options.settings.problems) options.report(problem);
		this.#server.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
		this.#listen();
	}

	/** Where it listens; null while it does not. */
	get port(): number | null {
		const address = this.#server.address();
		return typeof address === "object" && address !== null ? address.port : null;
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#retry);
		this.#server.close();
		this.#server.closeAllConnections();
	}

	#listen(): void {
		const { port, address } = this.#options.settings;
		this.#server.listen(address === null ? { port } : { port, host: address });
	}

	#failed(error: NodeJS.ErrnoException): void {
		if (this.#closed) return;
		const { port, address } = this.#options.settings;
		const where = `${address === null ? "" : `${address} `}port ${port}`;
		if (!this.#told)
			this.#options.report(`the web service cannot listen on ${where} (${error.code}); it goes on trying`);
		this.#told = true;
		this.#retry = setTimeout(() => this.#listen(), this.#options.retryMs ?? usualRetryMs);
	}
}

function serverOf(application: Koa): Server {
	const server = createServer(
		{ maxHeaderSize: limits.headerBytes, connectionsCheckingInterval: limits.lookMs },
		application.callback(),
	);
	server.maxConnections = limits.connections;
	server.headersTimeout = limits.headersMs;
	server.requestTimeout = limits.requestMs;
	server.keepAliveTimeout = limits.idleMs;
	server.maxRequestsPerSocket = limits.aSocket;
	return server;
}

/** Who speaks TLS gives commands, everybody else speaks HTTP: the first byte says which. */
function sortOut(server: Server, takeTls: (socket: Socket) => void): void {
	const [speakHttp] = server.listeners("connection");
	server.removeAllListeners("connection");
	server.on("connection", (socket: Socket) => {
		const end = (): void => void socket.destroy();
		socket.setTimeout(limits.headersMs).on("timeout", end).on("error", end);
		socket.once("readable", () => {
			const first = socket.read() as Buffer | null;
			if (first === null) return end();
			socket.unshift(first);
			socket.setTimeout(0).off("timeout", end).off("error", end);
			if (first[0] === tlsHandshake) takeTls(socket);
			else speakHttp?.call(server, socket);
		});
	});
}

function applicationOf({ node, report }: WebOptions): Koa {
	const application = new Koa();
	application.on("error", (error: unknown) => report("a request to the web service failed", error));
	application.use(onlyReading);
	application.use(routesOf(node).routes());
	application.use((context) => {
		context.status = 404;
		context.body = errorAsJson(new SafekitError("API_PATH", "There is nothing at this path."));
	});
	return application;
}

async function onlyReading(context: Context, next: () => Promise<void>): Promise<void> {
	context.set({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
	if (context.method === "GET" || context.method === "HEAD") return await next();
	context.status = 405;
	context.set({ Allow: "GET, HEAD", Connection: "close" });
	context.body = errorAsJson(new SafekitError("API_METHOD", "This service only reads."));
}
