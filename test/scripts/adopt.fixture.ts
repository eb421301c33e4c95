/** A daemon for the test of adoption: starts a script as the product does, says which, and waits to be killed. */
import { pathsFrom } from "../../core/module/paths.ts";
import { linuxScripts } from "../../core/platform/linux/scripts.ts";
import { runScript } from "../../core/scripts/run.ts";

const context = { system: linuxScripts, paths: pathsFrom(process.env), env: process.env, log: () => {} };
const request = { module: "app", script: "start_prim", args: [], timeoutMs: null, vars: [], logging: true };
const running = await runScript(request, context);
process.stdout.write(
	`${JSON.stringify({ pid: running?.pid, startTime: running?.startTime, userlog: running?.userlog })}\n`,
);
await running?.ended;
