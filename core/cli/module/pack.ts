/** `module pack`: a module's folder as a package; needs no server. */
import type { Command } from "commander";
import { exitCode } from "../../errors.ts";
import { packModule } from "../../module/pack/pack.ts";
import { printJson } from "../call.ts";
import { type Context, inFolder, type ModuleOptions, plainCommand } from "../groups.ts";
import { findings } from "./check.ts";

interface PackOptions extends ModuleOptions {
	output?: string;
}

export function pack(group: Command, context: Context): void {
	plainCommand(group, "pack <folder>", "check a module's folder and write it as NAME.safe: same folder, same bytes", [
		"module pack mydb",
		"module pack mydb -o /tmp/mydb-1.2.0.safe",
	])
		.option("-o, --output <file>", "the package to write (default: NAME.safe here, by the name in module.json)")
		.addHelpText("after", "\ntests/, node_modules/, *.safe, tsconfig.json and names that begin with a dot stay out.\n")
		.action((folder: string, options: PackOptions) => run(context, folder, options));
}

async function run(context: Context, folder: string, options: PackOptions): Promise<void> {
	const { call } = context;
	const path = inFolder(context, folder);
	const target = options.output === undefined ? undefined : inFolder(context, options.output);
	const report = await findings(context, path, options);
	if (!report.ok) {
		context.exit = exitCode.invalid;
		if (options.json) printJson(call, report);
		else call.out(`${folder}: nothing is packed\n`);
		return;
	}
	const packed = await packModule(path, target, call.cwd);
	if (options.json) return printJson(call, { ...packed, problems: report.problems });
	const version = packed.version === null ? "" : ` ${packed.version}`;
	call.out(`${packed.file}: ${packed.name}${version}, ${packed.bytes} bytes, SHA-256 ${packed.sha256}\n`);
	if (packed.version === null) call.err("It has no version: module.json of the folder would say it.\n");
}
