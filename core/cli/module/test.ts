/** `module test`: runs a module's tests against a simulated cluster. The runner is a program of its own, beside the SDK. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Command } from "commander";
import { exitCode } from "../../errors.ts";
import { type Context, inFolder, type ModuleOptions, plainCommand, wholeNumber } from "../groups.ts";

const runner = join(import.meta.dirname, "../../../sdk/testing/runner/main.ts");

interface TestOptions extends ModuleOptions {
	timeline?: boolean;
	match?: string;
	timeout: string;
}

export function test(group: Command, context: Context): void {
	plainCommand(group, "test [path]", "run the tests of a module's folder on a simulated cluster", [
		"module test                               # the folder in which you are",
		"module test mymodule",
		"module test mymodule/tests/failover.test.ts --timeline",
		"module test mymodule --match takes",
	])
		.option("--timeline", "print what happened on both servers, also for tests that pass")
		.option("--match <text>", "only tests with this text in their name")
		.option("--timeout <seconds>", "real time that one test may take", "60")
		.addHelpText(
			"after",
			`
Runs tests/*.test.ts of the module against two simulated servers in virtual time: the real decisions, rules and
checkers; scripts are recorded, not run, unless a test says otherwise (isReallyRun). Needs no server and changes none.
The test files themselves are programs that run on this machine with your rights, like any other test: they are not
sandboxed, so read those that come from somebody else before you run them.
Exit codes: 0 all passed, 1 a test failed, 3 the module's configuration has errors or nothing carries out its mode.
`,
		)
		.action((path: string | undefined, options: TestOptions) => runTests(context, path ?? ".", options));
}

async function runTests(context: Context, path: string, options: TestOptions): Promise<void> {
	const seconds = wholeNumber("--timeout", options.timeout, 1, 3600);
	const words = [
		...["--timeout", String(seconds)],
		...(options.json ? ["--json"] : []),
		...(options.timeline ? ["--timeline"] : []),
		...(options.match === undefined ? [] : ["--match", options.match]),
		...["--", inFolder(context, path)],
	];
	const child = spawn(process.execPath, [runner, ...words], { cwd: context.call.cwd, stdio: "inherit" });
	context.call.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
	const [code] = (await once(child, "exit")) as [number | null];
	context.exit = code ?? exitCode.failed;
}
