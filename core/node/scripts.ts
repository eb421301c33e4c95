/** The scripts service as the loop of a module uses it. */
import type { ModuleConfiguration } from "../module/configuration.ts";
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

/** Scripts beside the plans (state, level, update) have to end in this time. */
const besideTimeoutMs = 60_000;

/** Runs a script beside the plans, its output to `out`. Null: the module has no scripts, or it was killed. */
export async function showScript(
	hands: ScriptHands,
	{ module, user }: ModuleConfiguration,
	{ script, args }: { script: string; args: string[] },
	out: (text: string) => void,
): Promise<number | null> {
	if (user === null) return null;
	const request = { module, script, args, timeoutMs: besideTimeoutMs, vars: user.vars, logging: user.logging };
	return (await hands.show(request, out)).exitCode;
}
