/** Commands about the product itself: the elements of userconfig.xml, the paths of this server. */
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import { pathsFrom } from "../module/paths.ts";
import type { ElementDeclaration } from "../schema/declare.ts";
import { writeReference } from "../schema/reference.ts";
import { writeXsd } from "../schema/xsd/document.ts";
import { printJson } from "./call.ts";
import { type Context, type ModuleOptions, plainCommand } from "./groups.ts";
import { localSchema } from "./schema.ts";

interface SchemaOptions extends ModuleOptions {
	xsd?: boolean;
	reference?: boolean;
}

export function reference(program: Command, context: Context): void {
	plainCommand(program, "schema [mode]", "the elements and attributes of userconfig.xml, of one mode or of all", [
		"schema mirror",
		"schema mirror --json",
		"schema --xsd > userconfig.xsd",
		"schema --reference > userconfig.md",
	])
		.option("--xsd", "print an XML Schema, with which editors help and xmllint checks")
		.option("--reference", "print the reference page, in Markdown")
		.addHelpText(
			"after",
			`
An editor finds the schema by an attribute of the root element:
  <safe xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="userconfig.xsd">
On the command line: xmllint --noout --schema userconfig.xsd conf/userconfig.xml
`,
		)
		.action((mode: string | undefined, options: SchemaOptions) => printSchema(context, mode, options));
}

async function printSchema(context: Context, mode: string | undefined, options: SchemaOptions): Promise<void> {
	const schema = await localSchema();
	const known = [...schema.modes.keys()].sort();
	if (mode !== undefined && !known.includes(mode)) {
		throw new SafekitError("USAGE", `'${mode}' is no mode; expected one of ${known.join(", ")}.`);
	}
	if ([options.xsd, options.reference, options.json].filter((each) => each === true).length > 1) {
		throw new SafekitError("USAGE", "--xsd, --reference and --json are three forms; give one.");
	}
	const root = schema.root(mode);
	const { call } = context;
	if (options.xsd) call.out(writeXsd(root));
	else if (options.reference) call.out(writeReference(schema, mode === undefined ? known : [mode]));
	else if (options.json) printJson(call, { mode: mode ?? null, safe: root });
	else call.out(asText(root, 0));
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
