/** Asks the plugins for advice on a module: their findings as problems, and their own failures as warnings. */
import { join } from "node:path";
import { errors, type Problem } from "../../errors.ts";
import type { PluginAdvice } from "../../module/advice/plugins.ts";
import { userconfigName } from "../../module/inspect.ts";
import type { LoadedPlugin } from "./load.ts";

/** Undefined: no plugin gives advice. */
export function adviceOf(loaded: readonly LoadedPlugin[]): PluginAdvice | undefined {
	const advisers = loaded.filter(({ advice, host }) => advice > 0 && host !== null);
	if (advisers.length === 0) return undefined;
	return async (module, base) => {
		const answers = await Promise.all(
			advisers.map(async ({ name, host }) => ({ name, said: await host?.advise(module) })),
		);
		return answers.flatMap(({ name, said }): Problem[] => [
			...(said?.found ?? []).map(
				({ file, ...found }): Problem => ({
					code: "PLUGIN_ADVICE",
					...found,
					message: `${found.message} (plugin ${name})`,
					file: join(base, file ?? userconfigName),
				}),
			),
			...(said?.failed ?? []).map(
				(why): Problem => ({
					code: "PLUGIN_FAILED",
					severity: "warning",
					message: `the advice of plugin ${name} failed: ${why}`,
					file: base,
					remedy: errors.PLUGIN_FAILED.remedy,
				}),
			),
		]);
	};
}
