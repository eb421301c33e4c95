/** `module getports` (spec/04 §5). */
import type { Command } from "commander";
import { webSettings } from "../../api/settings.ts";
import { readConfiguration } from "../../module/active.ts";
import { portLines, portsAsText, portsOf } from "../../module/ports.ts";
import { idOf } from "../../module/registry.ts";
import { printJson } from "../call.ts";
import { type Context, type ModuleOptions, moduleCommand, moduleName, wholeNumber } from "../groups.ts";

interface PortsOptions extends ModuleOptions {
	id?: string;
}

export function ports(group: Command, context: Context): void {
	moduleCommand(group, "getports", "the ports that a module uses", ["module getports -m mydb", "module getports -i 3"])
		.option("-i, --id <id>", "by number instead of by name")
		.action((options: PortsOptions) => run(context, options));
}

async function run(context: Context, options: PortsOptions): Promise<void> {
	const { paths } = context.node;
	const name = options.id === undefined ? moduleName(context, options) : undefined;
	const id = name === undefined ? wholeNumber("-i", options.id as string, 1, 255) : await idOf(paths, name);
	const configuration = name === undefined ? null : await readConfiguration(paths, name);
	const all = portsOf(id);
	const used =
		configuration === null
			? all
			: {
					heart: configuration.heart?.port ?? null,
					rfs: configuration.rfs?.port ?? null,
					farm: configuration.farm?.port ?? null,
				};
	const lines = portLines(used, webSettings(paths.safe).port);
	if (options.json) printJson(context.call, { id, ports: lines });
	else context.call.out(portsAsText(lines));
}
