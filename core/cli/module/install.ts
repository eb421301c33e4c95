/** `module install` (spec/04 §5). */
import type { Command } from "commander";
import { SafekitError } from "../../errors.ts";
import { type InstallRequest, installModule, rehearseInstall } from "../../module/install.ts";
import { printJson } from "../call.ts";
import { type Context, inFolder, type ModuleOptions, moduleCommand, wholeNumber } from "../groups.ts";
import { pluginsOnce } from "../schema.ts";
import { checkFile } from "./check.ts";

interface InstallOptions extends ModuleOptions {
	id?: string;
	reinstall?: boolean;
	yes?: boolean;
}

export function install(group: Command, context: Context): void {
	moduleCommand(group, "install [file]", "install a package", [
		"module install -m mirror",
		"module install -m mydb /tmp/postgresql.safe",
	])
		.option("-M, --id <id>", "give the module this number, the same on all servers")
		.option("-r, --reinstall", "replace an installed module; it is archived before")
		.option("--yes", "also if the package asks for more than the one that it replaces")
		.option("--dry-run", "check the package, install nothing")
		.action((file: string | undefined, options: InstallOptions) => run(context, file, options));
}

async function run(context: Context, file: string | undefined, options: InstallOptions): Promise<void> {
	const path = file === undefined ? undefined : inFolder(context, file);
	const name = options.module ?? (file === undefined ? context.call.module : undefined);
	const id = options.id === undefined ? undefined : wholeNumber("-M", options.id, 1, 255);
	const request: InstallRequest = {
		...(name === undefined ? {} : { name }),
		...(id === undefined ? {} : { id }),
		...(path === undefined ? {} : { file: path }),
		replace: options.reinstall === true,
		plugins: (await pluginsOnce()).loaded.map((plugin) => plugin.name),
		yes: options.yes === true,
	};
	if (options.dryRun) return rehearse(context, request, options);
	const done = await installModule(context.node.paths, request);
	if (options.json) return printJson(context.call, done);
	for (const concern of done.concerns) context.call.err(`Accepted with --yes: ${concern}\n`);
	for (const note of done.notes) context.call.err(`Note: ${note}\n`);
	context.call.out(`Module ${done.name} (id ${done.id}) is installed from ${done.file}\n`);
	if (done.signer?.trustedAs) context.call.out(`  signed by ${done.signer.trustedAs}\n`);
	for (const line of done.asks) context.call.out(`  ${line}\n`);
}

/** Says what is wrong with the package, and whether it would be refused; installs nothing. */
async function rehearse(context: Context, request: InstallRequest, options: InstallOptions): Promise<void> {
	if (request.file === undefined && request.name === undefined) {
		throw new SafekitError("USAGE", "Nothing to install: give a name or a file.");
	}
	const said = await rehearseInstall(context.node.paths, request);
	if (request.file !== undefined) return checkFile(context, request.file, options);
	if (options.json) printJson(context.call, said);
	else context.call.out(`would install ${request.name}\n`);
}
