/** `module uninstall` (spec/04 §5). */
import type { Command } from "commander";
import { readConfiguration } from "../../module/active.ts";
import { uninstallModule } from "../../module/install.ts";
import { idOf } from "../../module/registry.ts";
import { printJson } from "../call.ts";
import { deconfigure, refuseRunning } from "../configure.ts";
import { type Context, type ModuleOptions, moduleCommand, moduleName } from "../groups.ts";

export function uninstall(group: Command, context: Context): void {
	moduleCommand(group, "uninstall", "remove a stopped module; it is archived before", ["module uninstall -m mydb"])
		.option("--dry-run", "say what would be done, change nothing")
		.action((options: ModuleOptions) => run(context, options));
}

async function run(context: Context, options: ModuleOptions): Promise<void> {
	const name = moduleName(context, options);
	const { paths } = context.node;
	await idOf(paths, name);
	refuseRunning(context, name, "uninstalled");
	if (options.dryRun) {
		context.call.out(`would remove module ${name} and its logs; its files go into $SAFE/Application_Modules/backup\n`);
		return;
	}
	if ((await readConfiguration(paths, name).catch(() => null)) !== null) await deconfigure(context, name);
	const archive = await uninstallModule(paths, name);
	if (options.json) printJson(context.call, { module: name, archive });
	else context.call.out(`Module ${name} is removed; it was kept as ${archive}\n`);
}
