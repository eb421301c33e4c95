/** `module list` and `module listid` (spec/04 §5). */
import type { Command } from "commander";
import { listModules } from "../../module/install.ts";
import { printJson, table } from "../call.ts";
import { type Context, type ModuleOptions, plainCommand } from "../groups.ts";

export function list(group: Command, context: Context): void {
	for (const [word, what] of [
		["list", "names of the installed modules"],
		["listid", "their names and numbers"],
	] as const) {
		plainCommand(group, word, what, [`module ${word}`]).action((options: ModuleOptions) => run(context, word, options));
	}
}

async function run(context: Context, word: "list" | "listid", options: ModuleOptions): Promise<void> {
	const installed = await listModules(context.node.paths);
	if (options.json) printJson(context.call, { modules: installed });
	else context.call.out(table(installed.map(({ name, id }) => (word === "list" ? [name] : [name, String(id)]))));
}
