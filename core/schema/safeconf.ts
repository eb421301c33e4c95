/**
 * Writes safeconf.xml, which scripts read with XPath tools (spec/09 §6.4): macros expanded, values escaped, no DOCTYPE,
 * no namespace, no comments, an element a line.
 */
import type { CheckedElement } from "./validate.ts";

export function writeSafeconf(safe: CheckedElement): string {
	return `<?xml version="1.0" encoding="UTF-8"?>\n${write(safe, "")}`;
}

function write(element: CheckedElement, indent: string): string {
	const attributes = element.written.map(({ name, value }) => ` ${name}="${escapeValue(value)}"`).join("");
	const start = `${indent}<${element.name}${attributes}`;
	if (element.children.length === 0 && element.text === "") return `${start}/>\n`;
	const inner = element.children.map((each) => write(each, `${indent}\t`)).join("");
	const text = element.xml.sections.map((section) => cdata(section.text, indent)).join("");
	return `${start}>\n${text}${inner}${indent}</${element.name}>\n`;
}

function cdata(text: string, indent: string): string {
	return `${indent}\t<![CDATA[${text.replaceAll("]]>", "]]]]><![CDATA[>")}]]>\n`;
}

const escapes: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"\n": "&#10;",
	"\r": "&#13;",
	"\t": "&#9;",
};

/** What was read from XML or the environment and is no character of XML is left out. */
export function escapeValue(value: string): string {
	const legal = [...value].filter((character) => character >= " " || "\t\n\r".includes(character)).join("");
	return legal.replace(/[&<>"\n\r\t]/g, (found) => escapes[found] ?? "");
}
