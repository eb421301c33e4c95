/** `module diff`: what an upgrade changes; needs no server. */
import type { Command } from "commander";
import { contentsOf } from "../../module/pack/contents.ts";
import { type Difference, differenceOf } from "../../module/pack/diff.ts";
import { pathsFrom } from "../../module/paths.ts";
import { printJson } from "../call.ts";
import { type Context, type ModuleOptions, plainCommand } from "../groups.ts";
import { localSchema } from "../schema.ts";

export function diff(group: Command, context: Context): void {
	plainCommand(group, "diff <old> <new>", "what an upgrade changes, and whether it needs a stop", [
		"module diff mydb-1.0.safe mydb-1.1.safe",
		"module diff mydb /tmp/mydb.safe    # the installed module against a package",
	]).action(async (before: string, after: string, options: ModuleOptions) => {
		const paths = pathsFrom(process.env);
		const [old, now] = [
			await contentsOf(before, context.call.cwd, paths),
			await contentsOf(after, context.call.cwd, paths),
		];
		const difference = await differenceOf(old, now, await localSchema());
		if (options.json) printJson(context.call, difference);
		else for (const line of linesOf(difference)) context.call.out(`${line}\n`);
	});
}

function linesOf({ version, permissions, requires, userconfig, files, needsStop }: Difference): string[] {
	const arrow = (from: string | null, to: string | null) => `${from ?? "none"} → ${to ?? "none"}`;
	const changes = [
		...permissions.added.map((line) => `permission added: ${line}`),
		...permissions.removed.map((line) => `permission removed: ${line}`),
		...requires.map(({ what, from, to }) => `needs ${what}: ${arrow(from, to)}`),
		...userconfig.map(({ text, dyn }) => `configuration: ${text}${dyn ? "" : "   (needs a stop)"}`),
		...files.map(({ kind, name, change }) => `${kind === "other" ? "file" : kind} ${change}: ${name}`),
	];
	const head = version.from === version.to ? [] : [`version: ${arrow(version.from, version.to)}`];
	if (changes.length === 0) return [...head, "Nothing that counts differs."];
	const stop = needsStop.length > 0 ? "It needs a stop." : "It can be applied while the module runs.";
	return [...head, ...changes, stop];
}
