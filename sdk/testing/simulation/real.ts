/** Really runs a script of the module, with a `safekit` command that speaks to the simulated server. */
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { listenForCommands } from "../../../core/node/server.ts";
import { platform } from "../../../core/platform/index.ts";
import { runScript } from "../../../core/scripts/run.ts";
import type { RunningScript, ScriptRequest } from "../../../core/scripts/runner.ts";
import type { Machine } from "./machine.ts";

const launcher = join(import.meta.dirname, "../../../core/cli/safekit.mjs");
/** Real time that a script may take: the virtual clock stands still meanwhile. */
const longestMs = 60_000;
const listening = new WeakMap<object, Server>();

/** Null: there is no such script. */
export async function runReal(machine: Machine, request: ScriptRequest): Promise<RunningScript | null> {
	const { paths, site, daemon } = machine;
	const { module } = site.module.configuration;
	if (daemon === null) return null;
	const own = paths.module(module);
	if (!existsSync(own.userBin)) {
		for (const folder of [own.active, own.userVar]) mkdirSync(folder, { recursive: true });
		cpSync(join(site.module.folder, "bin"), own.userBin, { recursive: true });
		const safekit = join(paths.safe, "safekit");
		const variables = `SAFE='${paths.safe}' SAFEVAR='${paths.safevar}'`;
		writeFileSync(safekit, `#!/bin/sh\n${variables} exec '${process.execPath}' '${launcher}' "$@"\n`);
		chmodSync(safekit, 0o755);
	}
	if (!listening.has(daemon)) {
		const server = await listenForCommands(paths.socket, daemon);
		server.unref();
		listening.set(daemon, server);
	}
	const context = {
		system: platform().scripts,
		paths,
		env: process.env,
		log: (level: "E" | "W", text: string) => machine.runtime.write("userplug", level, text),
	};
	return await runScript({ ...request, timeoutMs: Math.min(request.timeoutMs ?? longestMs, longestMs) }, context);
}
