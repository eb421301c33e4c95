/** The calls of one run: read with suspicion, judged by the permissions, held to limits, then done outside. */
import { z } from "zod";
import { runLimits } from "./limits.ts";
import { bodyLimit, type Outside, type TcpLine } from "./outside.ts";
import type { Judge } from "./permissions.ts";

export interface CallsOptions {
	outside: Outside;
	judge: Judge;
	/** What is left of the run, in milliseconds. */
	leftMs(): number;
	/** `value`: JSON of what came, or the message of the error. */
	answer(call: number, isWell: boolean, value: string): void;
}

const text = z.string().max(bodyLimit);
const timeoutMs = z.number().min(1).optional();
const tls = z.strictObject({
	ca: z.string().max(262_144).optional(),
	servername: z.string().max(255).optional(),
	verify: z.boolean().optional(),
});
const headers = z
	.record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/), z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/))
	.refine((all) => Object.keys(all).length <= 64, "at most 64 headers")
	.refine((all) => JSON.stringify(all).length <= 8192, "at most 8 KiB of headers");
const port = z.int().min(1).max(65_535);
const host = z.string().min(1).max(255);
const name = z.string().min(1).max(255);
const line = z.int();

const shapes = {
	http: z.tuple([
		z.strictObject({
			method: z.enum(["GET", "POST"]),
			url: z.string().max(8192),
			body: text.nullable(),
			headers: headers.optional(),
			timeoutMs,
			tls: tls.optional(),
		}),
	]),
	tcp: z.tuple([z.strictObject({ host, port, timeoutMs, tls: tls.optional() })]),
	send: z.tuple([line, text, z.strictObject({ timeoutMs })]),
	receive: z.tuple([
		line,
		z.strictObject({
			until: z.string().min(1).max(1024).optional(),
			bytes: z.int().min(1).max(bodyLimit).optional(),
			timeoutMs,
		}),
	]),
	close: z.tuple([line]),
	exec: z.tuple([
		z.string().min(1).max(1024),
		z
			.array(
				z
					.string()
					.max(8192)
					.regex(/^[^\0]*$/),
			)
			.max(64),
		z.strictObject({ timeoutMs, maxBytes: z.int().min(0).max(bodyLimit).optional() }),
	]),
	readFile: z.tuple([z.string().min(1).max(4096)]),
	service: z.tuple([name]),
	process: z.tuple([name]),
	resource: z.tuple([name]),
};

type Asked<What extends keyof typeof shapes> = z.infer<(typeof shapes)[What]>;

/** Headers that would say something else than what was judged. */
const ownHeaders = new Set([
	"host",
	"connection",
	"content-length",
	"transfer-encoding",
	"upgrade",
	"expect",
	"te",
	"trailer",
]);
const usualExecBytes = 64 * 1024;

export class Calls {
	/** Calls that are not answered. */
	open = 0;
	readonly #options: CallsOptions;
	readonly #lines = new Map<number, TcpLine>();
	#made = 0;
	#nextLine = 1;
	#closed = false;

	constructor(options: CallsOptions) {
		this.#options = options;
	}

	make(call: number, what: string, args: unknown[]): void {
		this.open += 1;
		void this.#judged(what, args).then(
			(value) => this.#answer(call, true, JSON.stringify(value ?? null)),
			(error: unknown) =>
				this.#answer(call, false, (error instanceof Error ? error.message : String(error)).slice(0, 1000)),
		);
	}

	/** The run is over: connections close, answers are not told any more. */
	close(): void {
		this.#closed = true;
		for (const each of this.#lines.values()) each.close();
		this.#lines.clear();
	}

	#answer(call: number, isWell: boolean, value: string): void {
		this.open -= 1;
		if (!this.#closed) this.#options.answer(call, isWell, value);
	}

	async #judged(what: string, args: unknown[]): Promise<unknown> {
		this.#made += 1;
		if (this.#made > runLimits.calls) throw new Error(`more than ${runLimits.calls} calls in one run`);
		if (this.open > runLimits.callsAtOnce) throw new Error(`more than ${runLimits.callsAtOnce} calls at the same time`);
		if (!Object.hasOwn(shapes, what)) throw new Error(`there is no ${what}`);
		const read = shapes[what as keyof typeof shapes].safeParse(args);
		if (!read.success) throw new TypeError(`${what}: ${wrongIn(read.error)}`);
		return await this.#do(what as keyof typeof shapes, read.data);
	}

	#do(what: keyof typeof shapes, args: unknown): Promise<unknown> {
		const { outside } = this.#options;
		switch (what) {
			case "http":
				return this.#http(args as Asked<"http">);
			case "tcp":
				return this.#tcp(args as Asked<"tcp">);
			case "send": {
				const [number, data, more] = args as Asked<"send">;
				return this.#line(number).send(data, this.#timeOf(more));
			}
			case "receive": {
				const [number, { until, bytes, ...more }] = args as Asked<"receive">;
				const wanted = { ...(until === undefined ? {} : { until }), ...(bytes === undefined ? {} : { bytes }) };
				return this.#line(number).receive({ ...wanted, timeoutMs: this.#timeOf(more) });
			}
			case "close":
				return this.#closeLine(...(args as Asked<"close">));
			case "exec":
				return this.#exec(args as Asked<"exec">);
			case "readFile":
				return this.#readFile(...(args as Asked<"readFile">));
			case "service":
				return outside.service(...(args as Asked<"service">));
			case "process":
				return outside.process(...(args as Asked<"process">));
			case "resource":
				return Promise.resolve(outside.resource(...(args as Asked<"resource">)));
		}
	}

	async #http([request]: Asked<"http">): Promise<unknown> {
		const url = URL.canParse(request.url) ? new URL(request.url) : null;
		if (url === null || !/^https?:$/.test(url.protocol))
			throw new Error(`'${request.url}' is no http or https address`);
		if (url.username !== "" || url.password !== "") throw new Error("a user in the address is not sent: use a header");
		const isSecure = url.protocol === "https:";
		this.#mayConnect(plainHost(url.hostname), url.port === "" ? (isSecure ? 443 : 80) : Number(url.port));
		const all = Object.entries(request.headers ?? {}).map(([key, value]) => [key.toLowerCase(), value] as const);
		const own = all.find(([key]) => ownHeaders.has(key));
		if (own !== undefined) throw new Error(`the header ${own[0]} cannot be set`);
		return await this.#options.outside.http({
			...{ method: request.method, url: url.href, body: request.body, headers: Object.fromEntries(all) },
			...{ timeoutMs: this.#timeOf(request), tls: tlsOf(request.tls) },
		});
	}

	async #tcp([request]: Asked<"tcp">): Promise<number> {
		const to = plainHost(request.host);
		this.#mayConnect(to, request.port);
		if (this.#lines.size >= runLimits.lines) throw new Error(`more than ${runLimits.lines} connections at once`);
		const isSecure = request.tls !== undefined;
		const opened = await this.#options.outside.tcp({
			...{ host: to, port: request.port, timeoutMs: this.#timeOf(request) },
			tls: isSecure ? tlsOf(request.tls) : null,
		});
		if (this.#closed || this.#lines.size >= runLimits.lines) {
			opened.close();
			throw new Error(`more than ${runLimits.lines} connections at once`);
		}
		const number = this.#nextLine++;
		this.#lines.set(number, opened);
		return number;
	}

	#line(number: number): TcpLine {
		const found = this.#lines.get(number);
		if (found === undefined) throw new Error("this connection is closed");
		return found;
	}

	async #closeLine(number: number): Promise<void> {
		this.#lines.get(number)?.close();
		this.#lines.delete(number);
	}

	async #exec([program, args, more]: Asked<"exec">): Promise<unknown> {
		if (!this.#options.judge.mayRun(program)) throw forbidden(`to run ${program}`, "exec", program);
		const maxBytes = more.maxBytes ?? usualExecBytes;
		return await this.#options.outside.exec(program, args, { timeoutMs: this.#timeOf(more), maxBytes });
	}

	async #readFile(path: string): Promise<string> {
		if (!this.#options.judge.mayRead(path)) throw forbidden(`to read ${path}`, "read", path);
		return await this.#options.outside.readFile(path);
	}

	#mayConnect(to: string, toPort: number): void {
		if (this.#options.judge.mayConnect(to, toPort)) return;
		const entry = `${to.includes(":") ? `[${to}]` : to}:${toPort}`;
		throw forbidden(`to connect to ${entry}`, "net", entry);
	}

	#timeOf({ timeoutMs: wanted }: { timeoutMs?: number | undefined }): number {
		const left = Math.max(1, this.#options.leftMs());
		return wanted === undefined ? left : Math.min(left, wanted);
	}
}

/** The remedy belongs to the message: that is all that reaches the log. */
function forbidden(what: string, kind: string, entry: string): Error {
	return new Error(`no permission ${what}: module.json has to ask for it with permissions.${kind}: ["${entry}"]`);
}

function tlsOf(from: z.infer<typeof tls> | undefined): { ca?: string; servername?: string; verify?: boolean } {
	const { ca, servername, verify } = from ?? {};
	return {
		...(ca === undefined ? {} : { ca }),
		...(servername === undefined ? {} : { servername }),
		...(verify === undefined ? {} : { verify }),
	};
}

/** An IPv6 address without its brackets. */
function plainHost(written: string): string {
	return written.startsWith("[") && written.endsWith("]") ? written.slice(1, -1) : written;
}

function wrongIn(error: z.ZodError): string {
	const [first] = error.issues;
	return `${first?.path.join(".") || "arguments"}: ${first?.message ?? "not understood"}`;
}
