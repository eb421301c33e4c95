/** `module check`: what is wrong with a package or a folder; needs no server. */
import type { Command } from "commander";
import { exitCode } from "../../errors.ts";
import { problemAsText } from "../../log/errorTexts.ts";
import { type CheckReport, checkPackage } from "../../module/check.ts";
import { adviceOf } from "../../node/plugins/advice.ts";
import { printJson } from "../call.ts";
import { type Context, inFolder, type ModuleOptions, plainCommand } from "../groups.ts";
import { localSchema, pluginsOnce } from "../schema.ts";

export function check(group: Command, context: Context): void {
	plainCommand(group, "check <file>", "say what is wrong with a package or a module's folder", [
		"module check mydb.safe",
	]).action((file: string, options: ModuleOptions) => checkFile(context, file, options));
}

/** Runs without daemon and without `$SAFE` (interfaces.md). */
export async function checkFile(context: Context, file: string, options: ModuleOptions): Promise<void> {
	const report = await findings(context, inFolder(context, file), options);
	if (options.json) printJson(context.call, report);
	else {
		for (const line of report.asks) context.call.out(`${line}\n`);
		context.call.out(report.ok ? `${file}: no error\n` : `${file}: not usable\n`);
	}
	if (!report.ok) context.exit = exitCode.invalid;
}

/** What is wrong with a package or folder; told as text unless it goes into an object. */
export async function findings(context: Context, path: string, options: ModuleOptions): Promise<CheckReport> {
	const { loaded } = await pluginsOnce();
	const report = await checkPackage(path, await localSchema(), process.env, {
		plugins: loaded.map(({ name }) => name),
		pluginAdvice: adviceOf(loaded),
	});
	if (options.json) return report;
	for (const problem of report.problems) context.call.err(problemAsText(problem));
	for (const note of report.notes) context.call.err(`Note: ${note}\n`);
	return report;
}
