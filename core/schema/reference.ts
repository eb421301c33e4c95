/** The declarations as a page of Markdown, for people. */
import type { AttributeDeclaration, ElementDeclaration } from "./declare.ts";
import { elementNotesOf, notesOf, oftenOf, valuesOf } from "./describe.ts";
import type { Schema } from "./schema.ts";

/** `modes`: those that the page describes, each with its elements; what every mode has comes last. */
export function writeReference(schema: Schema, modes: readonly string[]): string {
	const [macro] = schema.safe.children ?? [];
	const service = schema.service(modes.length === 1 ? modes[0] : undefined);
	const known = modes.map((mode) => schema.modes.get(mode)).filter((mode) => mode !== undefined);
	const own = new Set(known.flatMap(({ elements }) => elements));
	const common = (schema.service(modes[0]).children ?? []).filter((element) => !own.has(element));
	return [
		"# userconfig.xml\n",
		"A module's configuration: `<safe>` holds `<macro>` elements and one `<service>`. Elements stand in any order.\n",
		"* A time is a number with the unit `d`, `h`, `m`, `s`, `ms` or `us`; without one it counts in the attribute's own unit,",
		"  and another unit is rounded to that one.",
		"* `%NAME%` in a value stands for the macro of that name, else for the environment variable.",
		"* *Running* says that the attribute can be changed while the module runs.\n",
		...(macro === undefined ? [] : section(macro, "safe", 2)),
		...section({ ...service, children: [] }, "safe", 2),
		...known.flatMap(({ mode, elements }) =>
			elements.length === 0
				? []
				: [`## Elements of mode ${mode}\n`, ...elements.flatMap((each) => section(each, "service", 3))],
		),
		"## Elements of every mode\n",
		...common.flatMap((each) => section(each, "service", 3)),
	].join("\n");
}

function section(element: ElementDeclaration, parent: string, depth: number): string[] {
	const path = `${parent}/${element.name}`;
	const attributes = Object.entries(element.attributes ?? {});
	// A legacy element may hold again what stands around it.
	const below = element.carried === "legacy" ? [] : (element.children ?? []);
	return [
		`${"#".repeat(Math.min(depth, 6))} \`<${element.name}>\`\n`,
		`${[element.doc, ...elementNotesOf(element)].join(" ")}\n`,
		`In \`<${parent.split("/").join("><")}>\`, ${oftenOf(element)}.\n`,
		...(attributes.length === 0
			? []
			: ["| Attribute | Values | Default | Running | Meaning |", "|---|---|---|---|---|", ...attributes.map(line), ""]),
		...below.flatMap((child) => section(child, path, depth + 1)),
	];
}

function line([name, known]: [string, AttributeDeclaration]): string {
	const preset = known.required ? "*required*" : known.default === undefined ? "" : `\`${known.default}\``;
	const cells = [
		`\`${name}\``,
		valuesOf(known.type),
		preset,
		known.dyn ? "yes" : "",
		[known.doc, ...notesOf(known)].join(" "),
	];
	return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
