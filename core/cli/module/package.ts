/** `module package`: an installed module as a package (spec/04 §5). */
import type { Command } from "commander";
import { packageModule } from "../../module/install.ts";
import { printJson } from "../call.ts";
import { type Context, type ModuleOptions, moduleCommand, moduleName } from "../groups.ts";

export function packageCommand(group: Command, context: Context): void {
	moduleCommand(group, "package <file>", "write a module into a .safe", [
		"module package -m mydb /tmp/mydb.safe",
	]).action(async (file: string, options: ModuleOptions) => {
		const name = moduleName(context, options);
		await packageModule(context.node.paths, name, file);
		if (options.json) printJson(context.call, { module: name, file });
		else context.call.out(`${file}\n`);
	});
}
