/** `safekit plugin list`: what the daemon has loaded, and what it left out (design §3). */
import type { Command } from "commander";
import { asSafekitError } from "../errors.ts";
import type { LoadedPlugin } from "../node/plugins/load.ts";
import { printJson, table } from "./call.ts";
import { type Context, type ModuleOptions, needsWord, plainCommand } from "./groups.ts";
import { pluginsOnce } from "./schema.ts";

export function plugin(program: Command, context: Context): void {
	const group = program.command("plugin").description("plugins: modes, elements, checkers, advice, templates");
	needsWord(group);
	plainCommand(group, "list", "the plugins that are loaded, what each brings, and those left out with the reason", [
		"plugin list",
		"plugin list --json",
	])
		.addHelpText("after", "\nA plugin is a folder below $SAFE/plugins; `systemctl restart safeadmin` loads new ones.\n")
		.action((options: ModuleOptions) => list(context, options));
}

async function list(context: Context, options: ModuleOptions): Promise<void> {
	const { loaded, failures } = await pluginsOnce();
	const failed = failures.map(({ folder, error }) => {
		const { code, message, remedy } = asSafekitError(error);
		return { folder, code, message, remedy };
	});
	if (options.json) return printJson(context.call, { plugins: loaded.map(asJson), failures: failed });
	context.call.out(
		table(loaded.map((each) => [each.name, each.version, brings(each) || "nothing", each.own ? "" : each.folder])),
	);
	for (const { folder, message, remedy } of failed) {
		context.call.err(`${folder} is left out: ${message}\n${remedy}\n`);
	}
}

function asJson({ name, version, folder, own, modes, elements, checkers, advice, catalogue }: LoadedPlugin): object {
	return {
		...{ name, version, folder, own, modes },
		elements: elements.map((element) => element.name),
		checkers: checkers.map((kind) => kind.name),
		advice,
		templates: catalogue.map((template) => ({ name: template.name, doc: template.doc, folder: template.folder })),
	};
}

/** `mode mirror, elements heart, vip, rfs`. */
function brings({ modes, elements, checkers, advice, catalogue }: LoadedPlugin): string {
	const part = (what: string, all: readonly { name: string }[]) =>
		all.length === 0 ? [] : [`${what}${all.length === 1 ? "" : "s"} ${all.map(({ name }) => name).join(", ")}`];
	return [
		...part(
			"mode",
			modes.map((name) => ({ name })),
		),
		...part("element", elements),
		...part("checker", checkers),
		...(advice > 0 ? ["advice"] : []),
		...part("template", catalogue),
	].join("; ");
}
