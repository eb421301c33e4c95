/** The things outside of a module that a test scripts: pages, ports, programs, files, addresses. */
import type { ExecAnswer, HttpAnswer, HttpRequest } from "../../../core/sandbox/outside.ts";
import { Behaviour, type Delay, delayOf, type Repeat } from "./behaviour.ts";

/** An answer that never comes. */
export const never = "never";
/** Nobody is there. */
export const refused = "refused";
/** `delayMs`: virtual time until it comes. */
export interface Given<T> {
	delayMs: number;
	value: T;
}

export type HttpGiven = Given<(request: HttpRequest) => HttpAnswer> | typeof never | typeof refused;

/**
 * A page that checkers of the module ask for. Until a test says otherwise every page answers 200 without a body.
 *
 * @example
 * n1.http("http://127.0.0.1/health").answers(500, { times: 2 });
 */
export class HttpPage {
	/** @internal */
	readonly behaviour = new Behaviour<HttpGiven>();

	/** Answers with a status, and with a body and headers if given. `times`: only so often, then as before. */
	answers(status: number, options: { body?: string; headers?: Record<string, string> } & Repeat & Delay = {}): this {
		const { body = "", headers = {} } = options;
		this.behaviour.set({ delayMs: delayOf(options), value: () => ({ status, headers, body }) }, options);
		return this;
	}

	/** Answers with what a function makes of the request. */
	answersWith(answer: (request: HttpRequest) => Partial<HttpAnswer>, options: Repeat & Delay = {}): this {
		const value = (request: HttpRequest): HttpAnswer => ({ status: 200, headers: {}, body: "", ...answer(request) });
		this.behaviour.set({ delayMs: delayOf(options), value }, options);
		return this;
	}

	/** Nobody listens there. */
	refuses(options: Repeat = {}): this {
		this.behaviour.set(refused, options);
		return this;
	}

	/** The connection is taken and no answer comes: whoever asks waits until its own time is over. */
	hangs(options: Repeat = {}): this {
		this.behaviour.set(never, options);
		return this;
	}

	/** As before the test said anything. */
	recovers(): this {
		this.behaviour.set(null);
		return this;
	}
}

export type TcpGiven = Given<(sent: string) => string> | typeof never | typeof refused;

/**
 * A TCP port that checkers of the module connect to. Until a test says otherwise every port is open and says nothing.
 *
 * @example
 * n1.tcp("127.0.0.1:5432").isClosed();
 */
export class TcpPort {
	/** @internal */
	readonly behaviour = new Behaviour<TcpGiven>();

	/** Connections are refused. */
	isClosed(options: Repeat = {}): this {
		this.behaviour.set(refused, options);
		return this;
	}

	/** Connections are taken; nothing is said. */
	isOpen(): this {
		this.behaviour.set(null);
		return this;
	}

	/** Connections are taken, and what is said is what the function makes of what was sent (empty: a greeting). */
	answersWith(answer: (sent: string) => string, options: Repeat & Delay = {}): this {
		this.behaviour.set({ delayMs: delayOf(options), value: answer }, options);
		return this;
	}

	/** Packets are dropped: whoever connects waits until its own time is over. */
	hangs(options: Repeat = {}): this {
		this.behaviour.set(never, options);
		return this;
	}
}

export type ExecGiven = Given<(args: readonly string[]) => ExecAnswer> | typeof never;

/**
 * A program that checkers of the module run. Until a test says otherwise every program ends with 0 and prints nothing.
 *
 * @example
 * n1.program("/usr/bin/pg_isready").ends(2, { stdout: "no response" });
 */
export class ScriptedProgram {
	/** @internal */
	readonly behaviour = new Behaviour<ExecGiven>();

	/** Ends with an exit code, and prints what is given. */
	ends(code: number, options: { stdout?: string; stderr?: string } & Repeat & Delay = {}): this {
		const { stdout = "", stderr = "" } = options;
		this.behaviour.set({ delayMs: delayOf(options), value: () => ({ code, stdout, stderr }) }, options);
		return this;
	}

	/** Ends as a function of its arguments says. */
	endsWith(answer: (args: readonly string[]) => Partial<ExecAnswer>, options: Repeat & Delay = {}): this {
		const value = (args: readonly string[]): ExecAnswer => ({ code: 0, stdout: "", stderr: "", ...answer(args) });
		this.behaviour.set({ delayMs: delayOf(options), value }, options);
		return this;
	}

	/** Does not end. */
	hangs(options: Repeat = {}): this {
		this.behaviour.set(never, options);
		return this;
	}
}

/**
 * A file that checkers of the module read. Until a test says otherwise no file is there.
 *
 * @example
 * n1.file("/run/app/status").contains("ready\n");
 */
export class ScriptedFile {
	/** @internal */
	readonly behaviour = new Behaviour<string | typeof refused>();

	contains(text: string, options: Repeat = {}): this {
		this.behaviour.set(text, options);
		return this;
	}

	isGone(options: Repeat = {}): this {
		this.behaviour.set(refused, options);
		return this;
	}
}

/**
 * An address that the module pings, a splitbrain witness, another module, or the network of an interface checker. Until
 * a test says otherwise all of them are there.
 *
 * @example
 * n1.address("192.168.1.254").isSilent();
 */
export class ScriptedAddress {
	/** @internal */
	readonly behaviour = new Behaviour<typeof never>();

	/** Nothing answers from there. */
	isSilent(options: Repeat = {}): this {
		this.behaviour.set(never, options);
		return this;
	}

	answers(): this {
		this.behaviour.set(null);
		return this;
	}
}
