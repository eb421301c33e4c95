/** What TypeScript checkers reach on a simulated server: what the test has scripted, and a healthy world otherwise. */

import type { Clock } from "../../../core/engine/clock.ts";
import type {
	ExecAnswer,
	HttpAnswer,
	HttpRequest,
	Outside,
	TcpLine,
	TcpRequest,
} from "../../../core/sandbox/outside.ts";
import type { Application } from "./application.ts";
import type { Behaviour } from "./behaviour.ts";
import { type Given, never, refused } from "./things.ts";
import type { ScriptedWorld } from "./world.ts";

export interface OutsideParts {
	clock: Clock;
	/** What the test says of this server, and of both. */
	worlds: readonly [ScriptedWorld, ScriptedWorld];
	application: Application;
	resource(name: string): string | null;
	/** In words, what a checker asks for. */
	asked(what: string): void;
	/** Virtual time is waited for. */
	asleep<T>(virtual: Promise<T>): Promise<T>;
}

/** Of one run of a checker. */
export function scriptedOutside(parts: OutsideParts): Outside {
	const { clock, worlds, application, resource, asked } = parts;
	const said = <T>(what: string, thing: (world: ScriptedWorld) => { behaviour: Behaviour<T> }): T | null => {
		asked(what);
		for (const world of worlds) {
			const given = thing(world).behaviour.take();
			if (given !== null) return given;
		}
		return null;
	};
	return {
		http: (request) =>
			http(
				parts,
				said(request.url, (world) => world.http(request.url)),
				request,
			),
		tcp: (request) =>
			tcp(
				parts,
				said(`tcp ${placeOf(request)}`, (world) => world.tcp(placeOf(request))),
				request,
			),
		exec: (program, args, { timeoutMs }) => {
			const given = said(`program ${program}`, (world) => world.program(program));
			return exec(parts, given, { program, args, timeoutMs });
		},
		async readFile(path) {
			const text = said(`file ${path}`, (world) => world.file(path));
			if (text === null || text === refused) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
			return text;
		},
		async service(name) {
			asked(`service ${name}`);
			return application.count(name.replace(/\.service$/, ""), true) === 0 ? "down" : "up";
		},
		async process(name) {
			asked(`process ${name}`);
			return application.count(name, false) ?? 1;
		},
		resource,
		now: () => clock.wallMs(),
	};
}

async function http(
	parts: OutsideParts,
	given: Given<(request: HttpRequest) => HttpAnswer> | typeof never | typeof refused | null,
	request: HttpRequest,
): Promise<HttpAnswer> {
	if (given === null) return { status: 200, headers: {}, body: "" };
	return (await waited(parts, given, request.timeoutMs, new URL(request.url).host))(request);
}

async function tcp(
	parts: OutsideParts,
	given: Given<(sent: string) => string> | typeof never | typeof refused | null,
	request: TcpRequest,
): Promise<TcpLine> {
	const answer = given === null ? () => "" : await waited(parts, given, request.timeoutMs, placeOf(request));
	// What a server says when somebody connects.
	let unread = answer("");
	return {
		async send(data) {
			unread += answer(data);
		},
		async receive({ until, bytes }) {
			const at = until === undefined ? -1 : unread.indexOf(until);
			const length = at >= 0 ? at + (until?.length ?? 0) : (bytes ?? unread.length);
			const text = unread.slice(0, length);
			unread = unread.slice(length);
			return text;
		},
		close() {},
	};
}

async function exec(
	parts: OutsideParts,
	given: Given<(args: readonly string[]) => ExecAnswer> | typeof never | null,
	{ program, args, timeoutMs }: { program: string; args: readonly string[]; timeoutMs: number },
): Promise<ExecAnswer> {
	if (given === null) return { code: 0, stdout: "", stderr: "" };
	return (await waited(parts, given, timeoutMs, program))(args);
}

/** What it does once the time is over that it takes. */
async function waited<T>(
	{ clock, asleep }: OutsideParts,
	given: Given<T> | typeof never | typeof refused,
	timeoutMs: number,
	who: string,
): Promise<T> {
	if (given === refused) throw new Error(`connect ECONNREFUSED ${who}`);
	const delayMs = given === never ? timeoutMs : Math.min(given.delayMs, timeoutMs);
	if (delayMs > 0) await asleep(new Promise<void>((resolve) => void clock.after(delayMs, resolve)));
	if (given === never || given.delayMs > timeoutMs) throw new Error(`no answer from ${who} within ${timeoutMs} ms`);
	return given.value;
}

function placeOf({ host, port }: TcpRequest): `${string}:${number}` {
	return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
