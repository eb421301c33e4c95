/**
 * The daemon (systemd: safeadmin). Heartbeats first: the other server counts the silence. So nothing is loaded before
 * their thread is on its way, and the rest comes in with run.ts.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathsFrom } from "../module/paths.ts";
import { osIncarnation } from "../platform/early.ts";
import { HeartLink } from "./heart.ts";
import { takeInstance } from "./instance.ts";

const paths = pathsFrom(process.env);
mkdirSync(paths.run, { recursive: true, mode: 0o750 });
const instance = await takeInstance(paths.safevar);
if (instance === null) {
	const { SafekitError } = await import("../errors.ts");
	const { errorAsText } = await import("../log/errorTexts.ts");
	process.stderr.write(errorAsText(new SafekitError("NODE_RUNNING", `A daemon for ${paths.safevar} runs already.`)));
	process.exit(1);
}
const early: [string, unknown][] = [];
let report = (message: string, error?: unknown): void => void early.push([message, error]);
const incarnation = osIncarnation();
const heart = new HeartLink(join(paths.run, "heart.json"), incarnation, (message, error) => report(message, error));
const { run } = await import("./run.ts");
report = await run({ paths, heart, incarnation });
for (const [message, error] of early) report(message, error);
