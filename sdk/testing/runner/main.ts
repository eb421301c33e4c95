/** `safekit module test`: a process for each file of tests; prints what came of each. Started by core/cli/module/test.ts. */
import { fork } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { asSafekitError, exitCode, SafekitError } from "../../../core/errors.ts";
import { errorAsJson, errorAsText } from "../../../core/log/errorTexts.ts";
import { makeScratch } from "../scratch.ts";
import { findTests } from "./files.ts";
import type { FileOrder, FromFile } from "./messages.ts";
import { resultAsText, type TestResult } from "./report.ts";

interface Options {
	json: boolean;
	timeline: boolean;
	match: string | null;
	/** Real milliseconds that one test may take. */
	timeoutMs: number;
}

/** Real milliseconds in which a file has to be loaded at least. */
const loadingMs = 120_000;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		json: { type: "boolean", default: false },
		timeline: { type: "boolean", default: false },
		match: { type: "string" },
		timeout: { type: "string", default: "60" },
	},
});
const options: Options = {
	json: values.json,
	timeline: values.timeline,
	match: values.match ?? null,
	timeoutMs: Number(values.timeout) * 1000,
};

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => interrupted.abort());
const scratch = makeScratch();

try {
	process.exitCode = await runAll(positionals[0] ?? ".", options);
} catch (error) {
	if (options.json) process.stdout.write(`${JSON.stringify(errorAsJson(error))}\n`);
	else process.stderr.write(errorAsText(error));
	process.exitCode = asSafekitError(error).exit;
} finally {
	// Also what a process left that was killed.
	rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}

async function runAll(path: string, { json, timeline, match, timeoutMs }: Options): Promise<number> {
	const { folder, files } = await findTests(path);
	const all: TestResult[] = [];
	for (const file of files) {
		if (interrupted.signal.aborted) break;
		let heading = `${relative(folder, file)}\n`;
		const refused = await runFile({ folder, file, match, scratch }, timeoutMs, json, (given) => {
			const { timeline: happened, ...result } = given;
			const shown = happened !== undefined && (timeline || given.result === "failed");
			const told: TestResult = shown ? { ...result, timeline: happened } : result;
			all.push(told);
			if (!json) process.stdout.write(heading + resultAsText(told));
			heading = "";
		});
		if (refused === null) continue;
		if (json) process.stdout.write(`${JSON.stringify(refused.json)}\n`);
		else process.stderr.write(refused.text);
		return refused.exit;
	}
	if (all.length === 0) throw new SafekitError("MODULE_NO_TESTS", `no test of ${folder} is called so`);
	return summary(basename(folder), all, json);
}

function summary(module: string, tests: TestResult[], json: boolean): number {
	const count = (which: TestResult["result"]): number => tests.filter(({ result }) => result === which).length;
	const [passed, failed, skipped] = [count("passed"), count("failed"), count("skipped")];
	const ok = failed === 0;
	if (json) process.stdout.write(`${JSON.stringify({ ok, module, passed, failed, skipped, tests })}\n`);
	else {
		const more = [...(failed > 0 ? [`${failed} failed`] : []), ...(skipped > 0 ? [`${skipped} skipped`] : [])];
		process.stdout.write(`${module}: ${[`${passed} passed`, ...more].join(", ")}\n`);
	}
	return ok ? exitCode.ok : exitCode.failed;
}

type Refused = Extract<FromFile, { is: "refused" }>;

/** Until the process has ended: by itself, or because a test took too long. Not null: the module cannot be tested. */
function runFile(
	order: FileOrder,
	timeoutMs: number,
	json: boolean,
	told: (result: TestResult) => void,
): Promise<Refused | null> {
	const file = relative(order.folder, order.file);
	const child = fork(join(import.meta.dirname, "process.ts"), [JSON.stringify(order)], {
		execArgv: ["--no-node-snapshot", "--disable-warning=ExperimentalWarning"],
		env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"), ...process.env },
		// What tests print themselves must not get into the JSON.
		stdio: ["ignore", json ? 2 : 1, 2, "ipc"],
	});
	let refused: Refused | null = null;
	let running = "loading the file";
	let begunMs = performance.now();
	let over = false;
	const failed = (error: string): void => {
		over = true;
		const ms = Math.round(performance.now() - begunMs);
		told({ file, name: running, result: "failed", ms, virtualMs: 0, error });
	};
	const late = (): void => {
		failed(`did not end within ${timeoutMs / 1000} s and was ended (--timeout)`);
		child.kill("SIGKILL");
	};
	// Loading the product is not the test's time.
	let timer = setTimeout(late, Math.max(timeoutMs, loadingMs));
	const hear = (message: FromFile): void => {
		clearTimeout(timer);
		if (message.is === "broken") failed(message.error);
		if (message.is === "refused") refused = message;
		over ||= message.is === "done" || message.is === "refused";
		if (over) return;
		if (message.is === "ended") told({ file, ...message.result });
		running = message.is === "begins" ? message.name : "the end of the file";
		begunMs = performance.now();
		timer = setTimeout(late, timeoutMs);
	};
	child.on("message", hear);
	const end = (): void => {
		failed("it was interrupted");
		child.kill("SIGKILL");
	};
	interrupted.signal.addEventListener("abort", end);
	return new Promise((resolve) => {
		child.on("exit", (code, signal) => {
			clearTimeout(timer);
			interrupted.signal.removeEventListener("abort", end);
			if (!over) failed(`the process of the tests ended (${signal ?? `exit ${code}`})`);
			resolve(refused);
		});
	});
}
