/** `module install` (spec/04 §5). */
import type { Command } from "commander";
import { installModule } from "../../module/install.ts";
import { printJson } from "../call.ts";
import { refuseRunning } from "../configure.ts";
import { type Context, inFolder, type ModuleOptions, moduleCommand, wholeNumber } from "../groups.ts";
import { checkFile } from "./check.ts";

interface InstallOptions extends ModuleOptions {
	id?: string;
	reinstall?: boolean;
}

export function install(group: Command, context: Context): void {
	moduleCommand(group, "install [file]", "install a package", [
		"module install -m mirror",
		"module install -m mydb /tmp/postgresql.safe",
	])
		.option("-M, --id <id>", "give the module this number, the same on all servers")
		.option("-r, --reinstall", "replace an installed module; it is archived before")
		.option("--dry-run", "check the package, install nothing")
		.action((file: string | undefined, options: InstallOptions) => run(context, file, options));
}

async function run(context: Context, file: string | undefined, options: InstallOptions): Promise<void> {
	const { paths } = context.node;
	const path = file === undefined ? undefined : inFolder(context, file);
	const name = options.module ?? (file === undefined ? context.call.module : undefined);
	if (options.reinstall && name !== undefined) refuseRunning(context, name, "reinstalled");
	if (options.dryRun) {
		if (path !== undefined) return await checkFile(context, path, options);
		context.call.out(`would install ${name ?? "nothing: give a name or a file"}\n`);
		return;
	}
	const id = options.id === undefined ? undefined : wholeNumber("-M", options.id, 1, 255);
	const done = await installModule(paths, {
		...(name === undefined ? {} : { name }),
		...(id === undefined ? {} : { id }),
		...(path === undefined ? {} : { file: path }),
		replace: options.reinstall === true,
	});
	if (options.json) printJson(context.call, done);
	else context.call.out(`Module ${done.name} (id ${done.id}) is installed from ${done.file}\n`);
}
