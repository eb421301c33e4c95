/** The thread of one plugin: what it imports, its setup, its tests and its advice run here and nowhere else. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { AdviceFinding, AdvisedModule, CheckerAnswer } from "../../engine/plugin.ts";
import { type Collected, collectPlugin } from "./collect.ts";
import { describe } from "./describe.ts";
import { type Answer, type Found, type FromPlugin, maxFound, maxText, type ToPlugin } from "./protocol.ts";
import { offerSdk } from "./resolve.ts";

const port = parentPort as MessagePort;
const running = new Map<number, AbortController>();

offerSdk();
try {
	const plugin = await collectPlugin((workerData as { folder: string }).folder);
	port.on("message", (order: ToPlugin) => void obey(plugin, order));
	say({ loaded: describe(plugin) });
} catch (error) {
	say({ failed: textOf(error) });
}

async function obey(plugin: Collected, order: ToPlugin): Promise<void> {
	if (order.do === "abort") return running.get(order.id)?.abort();
	const abort = new AbortController();
	running.set(order.id, abort);
	let answer: Answer;
	try {
		answer =
			order.do === "test" ? { verdict: await test(plugin, order, abort.signal) } : await advise(plugin, order.module);
	} catch (error) {
		answer = { failed: textOf(error) };
	}
	running.delete(order.id);
	say({ id: order.id, answer });
}

async function test(
	plugin: Collected,
	{ kind, target }: Extract<ToPlugin, { do: "test" }>,
	signal: AbortSignal,
): Promise<CheckerAnswer> {
	const found = plugin.checkers.find(({ name }) => name === kind);
	if (found === undefined) throw new Error(`plugin ${plugin.name} has no checker ${kind} any more`);
	const late = new Promise<never>((_, reject) => {
		signal.addEventListener("abort", () => reject(new Error("no answer in time")), { once: true });
	});
	const answer = await Promise.race([found.test(target, signal), late]);
	if (typeof answer?.up !== "boolean") throw new Error("the test answered neither up nor down");
	return { up: answer.up, why: clipped(answer.why) };
}

async function advise(plugin: Collected, module: AdvisedModule): Promise<Answer> {
	const found: Found[] = [];
	const failed: string[] = [];
	for (const advice of plugin.advice) {
		try {
			const said = await advice(module);
			if (!Array.isArray(said)) throw new Error("it is no list of findings");
			found.push(...said.map(plain));
		} catch (error) {
			failed.push(textOf(error));
		}
	}
	return { found: found.slice(0, maxFound), failed };
}

function plain({ severity, message, remedy, at, file, line }: AdviceFinding): Found {
	const place = at === undefined ? { file, line } : { line: at.line, column: at.column };
	return {
		severity: severity === "error" ? "error" : "warning",
		message: clipped(message),
		remedy: clipped(remedy),
		...(place.file === undefined ? {} : { file: clipped(place.file) }),
		...(Number.isInteger(place.line) ? { line: place.line as number } : {}),
		...("column" in place ? { column: Number(place.column) } : {}),
	};
}

function clipped(text: unknown): string {
	return String(text ?? "").slice(0, maxText);
}

function textOf(error: unknown): string {
	return clipped(error instanceof Error ? error.message : error) || "it threw something without a message";
}

function say(message: FromPlugin): void {
	port.postMessage(message);
}
