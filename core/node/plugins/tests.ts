/** Tests of the kinds of checker that plugins bring. */
import type { Test } from "../../checkers/probes/index.ts";
import type { CheckerSettings } from "../../module/settings/checkers.ts";
import type { LoadedPlugin } from "./load.ts";

/** Null: no plugin that is loaded has the kind. Its resource stays `init`, and nothing is restarted because of it. */
export function pluginTest(
	loaded: readonly LoadedPlugin[],
	module: string,
	settings: Extract<CheckerSettings, { kind: "plugin" }>,
): Test | null {
	const { name, values, elements, intervalMs, timeoutMs } = settings;
	const plugin = loaded.find(({ checkers }) => checkers.some((kind) => kind.name === name));
	const host = plugin?.host;
	if (!host) return null;
	return { intervalMs, timeoutMs, probe: (signal) => host.test(name, { module, values, elements }, signal) };
}
