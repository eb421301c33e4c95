/** XML that is written, not read. */
import { escapeValue } from "../safeconf.ts";

export interface Node {
	name: string;
	attributes: Readonly<Record<string, string>>;
	content: readonly (Node | string)[];
}

export function element(
	name: string,
	attributes: Readonly<Record<string, string>> = {},
	content: readonly (Node | string)[] = [],
): Node {
	return { name, attributes, content };
}

/** An element a line; text stays on the line of its element. */
export function write(node: Node, indent = ""): string {
	const attributes = Object.entries(node.attributes).map(([name, value]) => ` ${name}="${escapeValue(value)}"`);
	const start = `${indent}<${node.name}${attributes.join("")}`;
	if (node.content.length === 0) return `${start}/>\n`;
	const texts = node.content.filter((part) => typeof part === "string");
	if (texts.length > 0) return `${start}>${texts.map(escapeValue).join("")}</${node.name}>\n`;
	const inner = node.content.map((part) => write(part as Node, `${indent}\t`)).join("");
	return `${start}>\n${inner}${indent}</${node.name}>\n`;
}
