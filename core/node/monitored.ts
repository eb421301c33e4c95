/** The side of a module's monitoring that looks at the module's own loop, whatever world it watches. */
import type { WatchClass } from "../engine/contract.ts";
import { classesOf } from "../engine/steps.ts";
import type { MonitoringOptions } from "./monitoring.ts";
import type { ModuleRuntime } from "./runtime.ts";

type OfModule = Pick<MonitoringOptions, "set" | "value" | "log" | "act" | "isOn" | "standing">;

export function monitored(runtime: () => ModuleRuntime): OfModule {
	return {
		set: (resource, value, by) => runtime().setResource(resource, value, by),
		value: (resource) => runtime().resources.get(resource)?.value ?? "init",
		log: (origin, level, text) => runtime().write(origin, level, text),
		act(command, identity, services) {
			const limit = services === null ? {} : { services };
			return (
				runtime()
					.command({ command, who: identity, identity, ...limit })
					.refusedAtOnce() === null
			);
		},
		isOn: (setting) => runtime().resources.get(`usersetting.${setting}`)?.value !== "off",
		standing: () => standingOf(runtime()),
	};
}

function standingOf(runtime: ModuleRuntime): WatchClass[] | null {
	if (!runtime.idle) return null;
	const { main } = runtime.view();
	if (main === "STOP") return [];
	return main === "WAIT" ? ["pre"] : ["pre", ...classesOf(main)];
}
