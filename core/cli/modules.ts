/** `safekit module …`: packages and what is installed (spec/04 §5). */
import { isAbsolute, resolve } from "node:path";
import type { Command } from "commander";
import { webSettings } from "../api/settings.ts";
import { exitCode } from "../errors.ts";
import { problemAsText } from "../log/errorTexts.ts";
import { readConfiguration } from "../module/active.ts";
import { checkPackage } from "../module/check.ts";
import { setEncryption } from "../module/encryption.ts";
import { installModule, listModules, packageModule, uninstallModule } from "../module/install.ts";
import { portLines, portsAsText, portsOf } from "../module/ports.ts";
import { idOf } from "../module/registry.ts";
import { printJson, table } from "./call.ts";
import { deconfigure, refuseRunning } from "./configure.ts";
import {
	type Context,
	type ModuleOptions,
	moduleCommand,
	moduleName,
	needsWord,
	plainCommand,
	wholeNumber,
} from "./groups.ts";
import { localSchema } from "./schema.ts";

interface InstallOptions extends ModuleOptions {
	id?: string;
	reinstall?: boolean;
}

export function modules(program: Command, context: Context): void {
	const group = program.command("module").description("packages: install, check, package, list …");
	needsWord(group, "install, uninstall, package, list, listid, getports, genkey, delkey or check");
	moduleCommand(group, "install [file]", "install a package", [
		"module install -m mirror",
		"module install -m mydb /tmp/postgresql.safe",
	])
		.option("-M, --id <id>", "give the module this number, the same on all servers")
		.option("-r, --reinstall", "replace an installed module; it is archived before")
		.option("--dry-run", "check the package, install nothing")
		.action((file: string | undefined, options: InstallOptions) => install(context, file, options));
	moduleCommand(group, "uninstall", "remove a stopped module; it is archived before", ["module uninstall -m mydb"])
		.option("--dry-run", "say what would be done, change nothing")
		.action((options: ModuleOptions) => uninstall(context, options));
	moduleCommand(group, "package <file>", "write a module into a .safe", [
		"module package -m mydb /tmp/mydb.safe",
	]).action(async (file: string, options: ModuleOptions) => {
		const name = moduleName(context, options);
		await packageModule(context.node.paths, name, file);
		if (options.json) printJson(context.call, { module: name, file });
		else context.call.out(`${file}\n`);
	});
	for (const [word, what] of [
		["list", "names of the installed modules"],
		["listid", "their names and numbers"],
	] as const) {
		plainCommand(group, word, what, [`module ${word}`]).action((options: ModuleOptions) =>
			list(context, word, options),
		);
	}
	moduleCommand(group, "getports", "the ports that a module uses", ["module getports -m mydb", "module getports -i 3"])
		.option("-i, --id <id>", "by number instead of by name")
		.action((options: InstallOptions) => ports(context, options));
	encryption(group, context);
	plainCommand(group, "check <file>", "say what is wrong with a package or a module's folder", [
		"module check mydb.safe",
	]).action((file: string, options: ModuleOptions) => check(context, file, options));
}

/** The switch of spec/04 §5, under the words that people know. */
function encryption(group: Command, context: Context): void {
	for (const [word, what, on] of [
		["genkey", "encrypt what the module replicates, as it is by default", true],
		["delkey", "replicate without encryption; the servers still prove who they are", false],
	] as const) {
		moduleCommand(group, word, what, [`module ${word} -m mydb`])
			.option("--dry-run", "say what would be done, change nothing")
			.action(async (options: ModuleOptions) => {
				const name = moduleName(context, options);
				const state = on ? "on" : "off";
				if (options.dryRun) return context.call.out(`would turn the encryption of module ${name} ${state}\n`);
				await setEncryption(context.node.paths, name, on);
				if (options.json) printJson(context.call, { module: name, encryption: on });
				else {
					context.call.out(
						`The encryption of module ${name} will be ${state} after \`safekit config -m ${name}\` on both servers\n`,
					);
				}
			});
	}
}

async function install(context: Context, file: string | undefined, options: InstallOptions): Promise<void> {
	const { paths } = context.node;
	const path = file === undefined ? undefined : inFolder(context, file);
	const name = options.module ?? (file === undefined ? context.call.module : undefined);
	if (options.reinstall && name !== undefined) refuseRunning(context, name, "reinstalled");
	if (options.dryRun) {
		if (path !== undefined) return await check(context, path, options);
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

async function uninstall(context: Context, options: ModuleOptions): Promise<void> {
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

async function list(context: Context, word: "list" | "listid", options: ModuleOptions): Promise<void> {
	const installed = await listModules(context.node.paths);
	if (options.json) printJson(context.call, { modules: installed });
	else context.call.out(table(installed.map(({ name, id }) => (word === "list" ? [name] : [name, String(id)]))));
}

async function ports(context: Context, options: InstallOptions): Promise<void> {
	const { paths } = context.node;
	const name = options.id === undefined ? moduleName(context, options) : undefined;
	const id = name === undefined ? wholeNumber("-i", options.id as string, 1, 255) : await idOf(paths, name);
	const configuration = name === undefined ? null : await readConfiguration(paths, name);
	const all = portsOf(id);
	const used =
		configuration === null
			? all
			: { heart: configuration.heart?.port ?? null, rfs: configuration.rfs?.port ?? null, farm: null };
	const lines = portLines(used, webSettings(paths.safe).port);
	if (options.json) printJson(context.call, { id, ports: lines });
	else context.call.out(portsAsText(lines));
}

/** Runs without daemon and without `$SAFE` (interfaces.md). */
async function check(context: Context, file: string, options: ModuleOptions): Promise<void> {
	const report = await checkPackage(inFolder(context, file), await localSchema(), process.env);
	if (options.json) printJson(context.call, report);
	else {
		for (const problem of report.problems) context.call.err(problemAsText(problem));
		context.call.out(report.ok ? `${file}: no error\n` : `${file}: not usable\n`);
	}
	if (!report.ok) context.exit = exitCode.invalid;
}

/** A path as the caller means it: the daemon has another working directory. */
export function inFolder(context: Context, file: string): string {
	return isAbsolute(file) ? file : resolve(context.call.cwd, file);
}
