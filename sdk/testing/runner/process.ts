/** Runs the tests of one file, one after the other, and tells the runner. A process of its own: what hangs is ended. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { asSafekitError, SafekitError } from "../../../core/errors.ts";
import { errorAsJson, errorAsText } from "../../../core/log/errorTexts.ts";
import { loadPlugins } from "../../../core/node/plugins/load.ts";
import { offerSdk } from "../../../core/node/plugins/resolve.ts";
import { opened, type RegisteredTest, registered, setModule } from "../register.ts";
import { keepScratchIn } from "../scratch.ts";
import { readModule } from "../simulation/module.ts";
import type { TimelineEvent } from "../simulation/timeline.ts";
import type { FileOrder, FromFile } from "./messages.ts";

const order = JSON.parse(process.argv[2] ?? "{}") as FileOrder;
// The folders of authors have no node_modules of ours.
offerSdk();
// Nobody is left to hear of it.
process.on("disconnect", () => process.exit(1));
let failures: unknown[] = [];
process.on("unhandledRejection", (error) => failures.push(error));
process.on("uncaughtException", (error) => failures.push(error));

function tell(message: FromFile): Promise<void> {
	return new Promise((resolve) => process.send?.(message, () => resolve()));
}

if (await isTestable()) await run().catch((error: unknown) => tell({ is: "broken", error: inWords(error) }));
process.exit(0);

/** What is wrong with the module itself is said before any test, and once. */
async function isTestable(): Promise<boolean> {
	try {
		await readModule(order.folder, await loadPlugins(process.env.SAFE || null));
		return true;
	} catch (error) {
		const { exit } = asSafekitError(error);
		await tell({ is: "refused", json: errorAsJson(error), text: errorAsText(error), exit });
		return false;
	}
}

async function run(): Promise<void> {
	setModule(order.folder);
	keepScratchIn(order.scratch);
	await import(pathToFileURL(order.file).href);
	const some = registered.some(({ how }) => how === "only");
	for (const test of registered) {
		const named = order.match === null || test.name.includes(order.match);
		if (!named) continue;
		if (test.how === "skip" || (some && test.how !== "only")) {
			await tell({ is: "ended", result: { name: test.name, result: "skipped", ms: 0, virtualMs: 0 } });
		} else await runOne(test);
	}
	await tell({ is: "done" });
}

async function runOne({ name, run: body }: RegisteredTest): Promise<void> {
	await tell({ is: "begins", name });
	failures = [];
	const begunMs = performance.now();
	try {
		await body();
	} catch (error) {
		failures.unshift(error);
	}
	const timeline: TimelineEvent[] = [];
	let virtualMs = 0;
	for (const one of opened.splice(0)) {
		virtualMs += one.nowMs;
		timeline.push(...one.timeline.events);
		await one.close();
		for (const report of one.reports) failures.push(new Error(`The product reported: ${report}`));
	}
	const ms = Math.round(performance.now() - begunMs);
	const error = failures.length === 0 ? {} : { error: failures.map(inWords).join("\n") };
	const result = failures.length === 0 ? ("passed" as const) : ("failed" as const);
	await tell({ is: "ended", result: { name, result, ms, virtualMs, ...error, timeline } });
}

/** The message, with the places of the author's own files in the stack. */
function inWords(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const own = (error.stack ?? "").split("\n").filter((text) => text.includes(pathToFileURL(order.folder).href));
	const places = own.map((text) =>
		text.trim().replace(/file:\/\/[^\s):]+/g, (url) => {
			const path = fileURLToPath(url);
			return path.startsWith(`${order.folder}/`) ? path.slice(order.folder.length + 1) : path;
		}),
	);
	const remedy = error instanceof SafekitError ? `\n${error.remedy}` : "";
	return [`${error.message}${remedy}`, ...places.slice(0, 3)].join("\n");
}
