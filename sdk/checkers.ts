/**
 * What authors of TypeScript checkers import from "opensafe" (design §4). A checker runs in an isolate without node,
 * files or network: all that it reaches is its context, and of that only what `permissions` in module.json ask for.
 *
 * @example
 * import { checker, down, up } from "opensafe";
 * export default checker({ every: "5s", timeout: "2s" }, async (ctx) => {
 * 	const answer = await ctx.http.get(`http://${ctx.args[0]}/health`);
 * 	return answer.status === 200 ? up() : down(`HTTP ${answer.status}`);
 * });
 */
import {
	type CheckerDefinition,
	type CheckerTimes,
	type CheckerVerdict,
	checker as declare,
} from "../core/sandbox/inside/checker.ts";
import type { ExecAnswer, HttpAnswer, TlsOptions } from "../core/sandbox/outside.ts";

export {
	type CheckerDefinition,
	type CheckerTimes,
	type CheckerVerdict,
	type Duration,
	down,
	up,
} from "../core/sandbox/inside/checker.ts";
export type { ExecAnswer, HttpAnswer, TlsOptions } from "../core/sandbox/outside.ts";

/** Values that are kept from one run to the next: what JSON can say. */
export type StateValue = null | boolean | number | string | StateValue[] | { [name: string]: StateValue };

/** What a request says beside its address. Times in milliseconds. */
export interface HttpOptions {
	/** At most 64 of them, 8 KiB in all. */
	headers?: Record<string, string>;
	/** Milliseconds; default and most: what is left of the checker's own time. */
	timeoutMs?: number;
	tls?: TlsOptions;
}

/** HTTP without redirects: an answer 3xx is an answer. */
export interface CheckerHttp {
	/** @throws Error when nothing answers in time, permission is missing, or the answer is over 1 MiB. */
	get(url: string, options?: HttpOptions): Promise<HttpAnswer>;
	/** Sends `body` as it is; say its `content-type` in the headers. @throws as `get`. */
	post(url: string, body: string, options?: HttpOptions): Promise<HttpAnswer>;
}

/** How a connection is made. Times in milliseconds; default and most: what is left of the checker's own time. */
export interface TcpOptions {
	timeoutMs?: number;
	/** Speaks TLS from the first byte on. */
	tls?: TlsOptions;
}

/** A connection; it is closed when the run ends at the latest. */
export interface TcpConnection {
	/** Sends text (UTF-8), at most 1 MiB. */
	send(data: string, options?: { timeoutMs?: number }): Promise<void>;
	/**
	 * Receives up to and with `until`, or `bytes` bytes, or whatever comes first; at most 1 MiB. Less than was asked
	 * for, or an empty text: the other side has closed.
	 */
	receive(what?: { until?: string; bytes?: number; timeoutMs?: number }): Promise<string>;
	close(): Promise<void>;
}

/** Plain TCP, or TLS. */
export interface CheckerTcp {
	/** Connects. At most 8 connections at once. @throws Error when that cannot be done in time or is not permitted. */
	connect(host: string, port: number, options?: TcpOptions): Promise<TcpConnection>;
}

/** What a checker gets in each run. Everything here is a copy: what a checker changes, nobody else sees. */
export interface CheckerContext {
	/** The words of `arg` in `<custom>`. */
	readonly args: readonly string[];
	/** Name of the module. */
	readonly module: string;
	/** The resource that this checker sets, such as `custom.web`. */
	readonly self: string;
	/** The `<var>` of `<user>`, macros expanded. */
	readonly variables: Readonly<Record<string, string>>;
	/** Small values kept between runs while the checker is started: at most 16 KiB as JSON. Assign to its members. */
	readonly state: Record<string, StateValue>;
	readonly http: CheckerHttp;
	readonly tcp: CheckerTcp;
	/**
	 * Runs a program that `permissions.exec` names, without a shell, with a bare environment and as root. 64 KiB of each
	 * output are kept unless `maxBytes` says otherwise (at most 1 MiB).
	 * @throws Error when it is not permitted, cannot be started, or does not end in time (it is killed then).
	 */
	exec(
		program: string,
		args?: readonly string[],
		options?: { timeoutMs?: number; maxBytes?: number },
	): Promise<ExecAnswer>;
	/** The text of a file below `permissions.read`; ordinary files only, at most 1 MiB. */
	readFile(path: string): Promise<string>;
	/** The state of a service of the system (systemd unit, with or without `.service`). */
	service(name: string): Promise<"up" | "down" | "unknown">;
	/** How many processes with that name run. */
	process(name: string): Promise<number>;
	/** A resource of this module, such as `tcp.web`: `up`, `down`, `init`, `unknown`; null when there is none. */
	resource(name: string): Promise<string | null>;
	/** A line in the module log, at most 500 characters; 20 lines a run. */
	log(text: string): void;
	/** Milliseconds since 1970. */
	now(): number;
}

/**
 * Declares a checker: the default export of a `.ts` file that `<custom exec="…">` names. What it throws sets its
 * resource down with the message. It should only look and change nothing: a run that suddenly computes for over a second
 * is begun anew.
 *
 * @example
 * import { checker, down, up } from "opensafe";
 * export default checker({ every: "5s", timeout: "2s" }, async (ctx) => {
 * 	const answer = await ctx.http.get("http://127.0.0.1:8080/health");
 * 	return answer.status === 200 ? up() : down(`HTTP ${answer.status}`);
 * });
 */
export function checker(
	times: CheckerTimes,
	run: (ctx: CheckerContext) => Promise<CheckerVerdict> | CheckerVerdict,
): CheckerDefinition<CheckerContext> {
	return declare(times, run);
}
