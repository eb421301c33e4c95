/** Commands about the product itself: the elements of userconfig.xml, the paths of this server. */
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import { pathsFrom } from "../module/paths.ts";
import type { ElementDeclaration } from "../schema/declare.ts";
import { printJson } from "./call.ts";
import { type Context, type ModuleOptions, plainCommand } from "./groups.ts";
import { localSchema } from "./schema.ts";

export function reference(program: Command, context: Context): void {
	plainCommand(program, "schema [mode]", "the elements and attributes of userconfig.xml", [
		"schema mirror",
		"schema mirror --json",
	]).action(async (mode: string | undefined, options: ModuleOptions) => {
		const schema = await localSchema();
		const modes = [...schema.modes.values()].filter(({ carried }) => carried).map(({ mode: name }) => name);
		const chosen = mode ?? modes[0] ?? "mirror";
		if (!schema.modes.has(chosen)) {
			throw new SafekitError(
				"USAGE",
				`'${chosen}' is no mode; expected one of ${[...schema.modes.keys()].join(", ")}.`,
			);
		}
		const service = schema.service(chosen);
		if (options.json)
			printJson(context.call, {
				mode: chosen,
				safe: { ...schema.safe, children: [schema.safe.children?.[0], service] },
			});
		else context.call.out(asText(service, 0));
	});
}

/** One element with its attributes, and what is below it, indented. */
function asText(element: ElementDeclaration, depth: number): string {
	const indent = "  ".repeat(depth);
	const attributes = Object.entries(element.attributes ?? {}).map(([name, { doc, default: preset, required }]) => {
		const value = required ? " (required)" : preset === undefined ? "" : ` (default ${preset})`;
		return `${indent}    ${name}${value}: ${doc}\n`;
	});
	const below = (element.children ?? []).map((child) => asText(child, depth + 1));
	return `${indent}<${element.name}> ${element.doc}\n${attributes.join("")}${below.join("")}`;
}

/** `safekit -p` (spec/03 §5): lines that a shell can read. */
export function pathsText(): string {
	const { safe, safevar, safebin } = pathsFrom(process.env);
	return `SAFE="${safe}"\nSAFEVAR="${safevar}"\nSAFEBIN="${safebin}"\n`;
}
