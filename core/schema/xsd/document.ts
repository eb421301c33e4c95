/**
 * The declarations as an XML Schema 1.0, which the XML editors of VS Code and of JetBrains read. It says all that the
 * validator says of names, places, numbers and values, but for: two attributes that contradict each other, times that
 * are too long, addresses in all details, regular expressions.
 */
import type { AttributeDeclaration, ElementDeclaration } from "../declare.ts";
import { elementNotesOf, notesOf, valuesOf } from "../describe.ts";
import { contentOf } from "./content.ts";
import { element, type Node, write } from "./node.ts";
import { namedTypes, typeOf } from "./types.ts";

/** `root`: `<safe>` with the `<service>` of one mode, or of all. */
export function writeXsd(root: ElementDeclaration): string {
	const types: Node[] = [];
	const constraints = { count: 0 };
	const top = particle(root, root.name, {}, constraints);
	collect(root, root.name, types, constraints);
	const schema = element("xs:schema", { "xmlns:xs": "http://www.w3.org/2001/XMLSchema" }, [
		top,
		...types,
		...namedTypes(),
	]);
	return `<?xml version="1.0" encoding="UTF-8"?>\n${write(schema)}`;
}

/** Complex types by the path of their element: one that stands in several places of its parent's content has one type. */
function collect(own: ElementDeclaration, path: string, types: Node[], constraints: { count: number }): void {
	const content = contentOf(own.children ?? [], (child, occurs) =>
		particle(child, `${path}.${child.name}`, occurs, constraints),
	);
	const attributes = Object.entries(own.attributes ?? {}).map(([name, known]) => attribute(name, known));
	const mixed: Record<string, string> = own.text === true ? { mixed: "true" } : {};
	types.push(element("xs:complexType", { name: path, ...mixed }, [...content, ...attributes]));
	for (const child of own.children ?? []) collect(child, `${path}.${child.name}`, types, constraints);
}

function particle(
	own: ElementDeclaration,
	path: string,
	occurs: Readonly<Record<string, string>>,
	constraints: { count: number },
): Node {
	return element("xs:element", { name: own.name, type: path, ...occurs }, [
		documentation([own.doc, ...elementNotesOf(own)]),
		...constraintsOf(own, path, constraints),
	]);
}

function constraintsOf(own: ElementDeclaration, path: string, constraints: { count: number }): Node[] {
	return (own.children ?? []).flatMap((child) => {
		const constraint = (kind: "unique" | "key", field: string): Node =>
			element(`xs:${kind}`, { name: `${path}.${child.name}.${++constraints.count}` }, [
				element("xs:selector", { xpath: child.name }),
				element("xs:field", { xpath: field }),
			]);
		return [
			...(child.unique === undefined ? [] : [constraint("unique", `@${child.unique}`)]),
			// A key has exactly one value, so none of the attributes or two of them are wrong.
			...(child.exactlyOne === undefined
				? []
				: [constraint("key", child.exactlyOne.map((name) => `@${name}`).join("|"))]),
		];
	});
}

function attribute(name: string, known: AttributeDeclaration): Node {
	const type = typeOf(known.type);
	const { default: preset, required, dyn } = known;
	const texts = [
		known.doc,
		`Values: ${valuesOf(known.type)}.`,
		...(preset === undefined ? [] : [`Default: ${preset}.`]),
		...(dyn ? ["Can be changed while the module runs."] : []),
		...notesOf(known),
	];
	return element(
		"xs:attribute",
		{
			name,
			...("name" in type ? { type: type.name } : {}),
			...(required ? { use: "required" } : {}),
			...(preset === undefined ? {} : { default: preset }),
		},
		[documentation(texts), ...("definition" in type ? [type.definition] : [])],
	);
}

function documentation(texts: readonly string[]): Node {
	return element("xs:annotation", {}, [element("xs:documentation", { "xml:lang": "en" }, [texts.join(" ")])]);
}
