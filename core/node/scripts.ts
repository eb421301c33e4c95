/** The scripts service as the loop of a module uses it. */
import type { Paths } from "../module/paths.ts";
import { platform } from "../platform/index.ts";
import { adoptScript, runScript, type ScriptContext } from "../scripts/run.ts";
import type { ScriptHands } from "./hands.ts";
import { runVariable } from "./plan.ts";

/** `log` writes into the module's log, origin `userplug`. */
export function scriptHands(module: string, paths: Paths, log: ScriptContext["log"]): ScriptHands {
	const context: ScriptContext = { system: platform().scripts, paths, env: process.env, log };
	return {
		start: (request) => runScript(request, context),
		adopt: (script) => adoptScript({ ...script, module }, context),
		find: (run) => platform().leaderWith(runVariable, run),
		async show(request, out) {
			const decoder = new TextDecoder();
			const output = (chunk: Buffer): void => out(decoder.decode(chunk, { stream: true }));
			const script = await runScript({ ...request, output }, context);
			if (script === null) return { ran: false, exitCode: null };
			const { exitCode } = await script.ended;
			return { ran: true, exitCode };
		},
	};
}
