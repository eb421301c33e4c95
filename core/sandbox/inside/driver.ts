/**
 * The other end of `ctx`, inside the isolate. Only text goes in and out: no object of the host is reachable from here.
 * It shares its world with the checker, so nothing that it says is believed: the host judges every call again.
 */
import type { CheckerDefinition } from "./checker.ts";

const { parse, stringify } = JSON;
const { freeze, hasOwn } = Object;
const text = String;

interface Waiting {
	resolve(value: unknown): void;
	reject(error: unknown): void;
}

let definition: CheckerDefinition | null = null;
let waiting = new Map<number, Waiting>();
let nextCall = 0;
let nowMs = 0;
/** What `ctx` holds, as JSON, and of it what the checker may change. */
let given = "";
let stateBefore = "";
let state: unknown = null;
let [callCount, logCount] = [0, 0];

/** What has come up since the host was here last, as JSON: lists without their brackets, put together without methods. */
export interface Said {
	calls: string;
	logs: string;
	/** Empty: the run goes on. */
	done: string;
}
const said: Said = { __proto__: null, calls: "", logs: "", done: "" } as Said;

for (const name of ["SharedArrayBuffer", "Atomics", "WebAssembly", "WeakRef", "FinalizationRegistry"]) {
	Reflect.deleteProperty(globalThis, name);
}

/** Takes the namespace of the checker's file. Its times as JSON, or a sentence that says what is wrong with it. */
export function begin(exported: { default?: unknown }): string {
	let found: unknown;
	try {
		found = exported.default;
	} catch {
		return stringify({ wrong: "its default export is not there when the file has run; await it inside the checker" });
	}
	const { kind, times, run } = (typeof found === "object" && found !== null ? found : {}) as Partial<CheckerDefinition>;
	if (kind !== "opensafe checker" || typeof run !== "function" || typeof times !== "object" || times === null) {
		return stringify({ wrong: "it has to end with `export default checker({ … }, async (ctx) => …)`" });
	}
	definition = freeze({ kind, times, run });
	const { every, timeout, memory } = times;
	return stringify({ times: { every, timeout, memory } });
}

/**
 * Begins a run. `input`: JSON of what `ctx` holds; empty: as before. The host reads what is returned when the promises
 * of this turn have settled; nothing of the checker can reach it.
 */
export function start(input: string, atMs: number): Said {
	waiting = new Map();
	logCount = 0;
	nowMs = atMs;
	forget();
	if (input !== "") given = input;
	const held = parse(given);
	stateBefore = held.state;
	state = parse(stateBefore);
	const settled = finisher();
	const { run } = definition as CheckerDefinition;
	// A checker that throws at once does so inside the promise as well.
	new Promise((resolve) => resolve(run(contextOf(held)))).then(
		(verdict) => settled(() => asDone(verdict)),
		(error) => settled(() => failed(error)),
	);
	return said;
}

/** An answer to a call. */
export function answer(call: number, isWell: boolean, value: string, atMs: number): Said {
	nowMs = atMs;
	forget();
	const asked = waiting.get(call);
	waiting.delete(call);
	if (isWell) asked?.resolve(parse(value));
	else asked?.reject(new Error(value));
	return said;
}

function forget(): void {
	said.calls = "";
	said.logs = "";
	said.done = "";
	callCount = 0;
}

/** A run that was given up must not speak for the next one. */
function finisher(): (say: () => string) => void {
	const mine = waiting;
	return (say) => {
		if (waiting !== mine) return;
		let words: string;
		try {
			words = say();
		} catch (error) {
			words = failed(error);
		}
		said.done = words;
	};
}

function asDone(verdict: unknown): string {
	const { state: found, reason } = (typeof verdict === "object" && verdict !== null ? verdict : {}) as {
		[name: string]: unknown;
	};
	const isPlain =
		typeof verdict === "object" && verdict !== null && hasOwn(verdict, "state") && hasOwn(verdict, "reason");
	if (!isPlain || (found !== "up" && found !== "down") || typeof reason !== "string") {
		return stringify({ error: "it returned something else than up() or down(reason)" });
	}
	const kept = stringify(state) ?? "null";
	const changed = kept === stateBefore ? "" : `,"kept":${stringify(kept.slice(0, 20_000))}`;
	return `{"state":"${found}","reason":${stringify(reason.slice(0, 500))}${changed}}`;
}

/** The error with the place in the checker's own files. */
function failed(error: unknown): string {
	let shown = "it threw something that cannot be shown";
	try {
		const { name, message, stack } = (typeof error === "object" && error !== null ? error : {}) as Partial<Error>;
		const place = /\(?((?!opensafe:)[^\s()]+\.ts:\d+:\d+)\)?/.exec(text(stack ?? ""))?.[1];
		shown = message === undefined ? text(error) : `${text(name ?? "Error")}: ${text(message)}`;
		if (place !== undefined) shown += ` (${place})`;
	} catch {}
	return stringify({ error: shown.slice(0, 500) });
}

const options = (from: unknown): object => (typeof from === "object" && from !== null ? from : {});

/** The same in every run, and frozen. */
const capabilities = {
	http: freeze({
		get: (url: unknown, more?: unknown) =>
			call("http", [{ ...options(more), method: "GET", url: text(url), body: null }]),
		post: (url: unknown, body: unknown, more?: unknown) =>
			call("http", [{ ...options(more), method: "POST", url: text(url), body: text(body) }]),
	}),
	tcp: freeze({ connect }),
	exec: (program: unknown, args: unknown = [], more?: unknown) => call("exec", [program, args, options(more)]),
	readFile: (path: unknown) => call("readFile", [path]),
	service: (name: unknown) => call("service", [name]),
	process: (name: unknown) => call("process", [name]),
	resource: (name: unknown) => call("resource", [name]),
	log: (line: unknown) => {
		if (++logCount <= 20) said.logs += (said.logs === "" ? "" : ",") + stringify(text(line).slice(0, 500));
	},
	now: () => nowMs,
};
for (const each of [capabilities.exec, capabilities.readFile, capabilities.service, capabilities.process]) freeze(each);
for (const each of [capabilities.resource, capabilities.log, capabilities.now]) freeze(each);

function contextOf({ args, module, self, variables }: Record<string, unknown>): unknown {
	return freeze({ args: freeze(args), module, self, variables: freeze(variables), state, ...capabilities });
}

async function connect(host: unknown, port: unknown, more?: unknown): Promise<unknown> {
	const line = await call("tcp", [{ ...(typeof more === "object" ? more : {}), host, port }]);
	return freeze({
		send: (data: unknown, options: unknown = {}) => call("send", [line, text(data), options]),
		receive: (what: unknown = {}) => call("receive", [line, what]),
		close: () => call("close", [line]),
	});
}

function call(what: string, args: unknown[]): Promise<unknown> {
	return new Promise((resolve, reject) => {
		const written = stringify(args);
		if (written.length > 2_000_000) throw new RangeError(`${what}: its arguments are over 2 MB`);
		if (++callCount > 100) throw new RangeError("more than 100 calls at once");
		const number = ++nextCall;
		waiting.set(number, { resolve, reject });
		said.calls += `${said.calls === "" ? "" : ","}[${number},"${what}",${written}]`;
	});
}
