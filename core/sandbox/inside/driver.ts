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
let state: unknown = null;
/** What goes out next, as JSON already: lists without their brackets. Put together without a method of theirs. */
let calls = "";
let logs = "";
let done = "";
let [callCount, logCount] = [0, 0];

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

/** Begins a run: `input` is JSON of what `ctx` holds. */
export function start(input: string): void {
	waiting = new Map();
	calls = "";
	logs = "";
	done = "";
	logCount = 0;
	const given = parse(input);
	nowMs = given.nowMs;
	state = given.state;
	const settled = finisher();
	const { run } = definition as CheckerDefinition;
	// A checker that throws at once does so inside the promise as well.
	new Promise((resolve) => resolve(run(contextOf(given)))).then(
		(verdict) => settled(() => asDone(verdict)),
		(error) => settled(() => failed(error)),
	);
}

/** An answer to a call. */
export function answer(call: number, isWell: boolean, value: string, atMs: number): void {
	nowMs = atMs;
	const asked = waiting.get(call);
	waiting.delete(call);
	if (isWell) asked?.resolve(parse(value));
	else asked?.reject(new Error(value));
}

/** What has come up since it was last asked, as JSON. Nothing that a checker has replaced runs here. */
export function collect(): string {
	const out = `{"calls":[${calls}],"logs":[${logs}]${done === "" ? "" : `,"done":${done}`}}`;
	calls = "";
	logs = "";
	done = "";
	callCount = 0;
	return out;
}

/** A run that was given up must not speak for the next one. */
function finisher(): (say: () => string) => void {
	const mine = waiting;
	return (say) => {
		if (waiting !== mine) return;
		let said: string;
		try {
			said = say();
		} catch (error) {
			said = failed(error);
		}
		done = said;
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
	return `{"state":"${found}","reason":${stringify(reason.slice(0, 500))},"kept":${stringify(kept.slice(0, 20_000))}}`;
}

/** The error with the place in the checker's own files. */
function failed(error: unknown): string {
	let said = "it threw something that cannot be shown";
	try {
		const { name, message, stack } = (typeof error === "object" && error !== null ? error : {}) as Partial<Error>;
		const place = /\(?((?!opensafe:)[^\s()]+\.ts:\d+:\d+)\)?/.exec(text(stack ?? ""))?.[1];
		said = message === undefined ? text(error) : `${text(name ?? "Error")}: ${text(message)}`;
		if (place !== undefined) said += ` (${place})`;
	} catch {}
	return stringify({ error: said.slice(0, 500) });
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
		if (++logCount <= 20) logs += (logs === "" ? "" : ",") + stringify(text(line).slice(0, 500));
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
		calls += `${calls === "" ? "" : ","}[${number},"${what}",${written}]`;
	});
}
