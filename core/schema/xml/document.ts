/**
 * From the bytes of userconfig.xml to its elements. Tolerated, because real files have it (spec/02 §13, spec/09 §6.1): a BOM,
 * UTF-16 as Windows editors write it, CRLF, comments before the DOCTYPE, a missing last newline, and `<macro>`
 * elements before `<safe>`, which two examples of the guide show. Refused: entities, two roots, repeated attributes.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { type ErrorCode, errors, type Problem } from "../../errors.ts";
import { decodeBytes } from "./decode.ts";
import { LineIndex, type XmlElement } from "./element.ts";
import { checkNesting } from "./nesting.ts";
import { maskMarkup } from "./prolog.ts";
import { textSections } from "./sections.ts";
import { decodeReferences, scanStartTag, XmlFault } from "./startTag.ts";

const maxBytes = 1 << 20;
const maxElements = 10_000;
const maxDepth = 32;
/** Of those that stand before the root, where they do not belong. */
const maxMacrosBefore = 256;

export interface XmlDocument {
	root: XmlElement;
	/** `<macro>` elements that stand before the root. */
	before: XmlElement[];
	lines: LineIndex;
}

/** Reads a file called `file` in messages. At most one problem comes back: after it nothing can be trusted. */
export function readXml(bytes: Uint8Array, file: string): XmlDocument | Problem {
	if (bytes.length > maxBytes) {
		const message = `the file has ${bytes.length} bytes`;
		return problem("XML_LIMIT", message, { file, line: 1, column: 1, expected: "at most 1 MiB" });
	}
	const decoded = decodeBytes(bytes);
	if ("message" in decoded) {
		const place = new LineIndex(decoded.before).at(decoded.before.length);
		return problem("XML_ENCODING", decoded.message, { file, ...place, expected: "UTF-8" });
	}
	const { text } = decoded;
	const lines = new LineIndex(text);
	try {
		const masked = maskMarkup(text);
		const split = splitMacros(masked);
		checkNesting(split.main);
		const fault = validate(split.main);
		if (fault !== undefined)
			return problem("XML_SYNTAX", fault.message, { file, line: fault.line, column: fault.column });
		const [root] = elementsOf(split.main);
		if (root === undefined) throw new XmlFault("the file has no element", 0);
		return { root, before: split.macros.map((offset) => leaf(masked, offset)), lines };
	} catch (error) {
		if (!(error instanceof XmlFault)) throw error;
		const code = error.entity?.length && error.entity !== "&" ? "XML_ENTITY" : "XML_SYNTAX";
		return problem(code, error.message, {
			file,
			...lines.at(error.offset),
			...(error.entity ? { found: error.entity } : {}),
		});
	}
}

function problem(
	code: ErrorCode,
	message: string,
	place: Omit<Problem, "code" | "severity" | "message" | "remedy">,
): Problem {
	return { code, severity: "error", message, remedy: errors[code].remedy, ...place };
}

/** Blanks out self-closed `<macro>` elements that stand before the root, and says where they stood. */
function splitMacros(masked: string): { main: string; macros: number[] } {
	const macros: number[] = [];
	let main = masked;
	for (;;) {
		const match = /^\s*(<macro\s(?:[^<>"']|"[^"]*"|'[^']*')*\/>)\s*</.exec(main);
		if (match?.[1] === undefined || macros.length >= maxMacrosBefore) return { main, macros };
		const offset = main.indexOf("<");
		macros.push(offset);
		main = " ".repeat(offset + match[1].length) + main.slice(offset + match[1].length);
	}
}

function validate(text: string): { message: string; line: number; column: number } | undefined {
	const result = XMLValidator.validate(text);
	if (result === true) return undefined;
	// The library may give no column, and its messages end in a full stop.
	return { message: result.err.msg.replace(/\.$/, ""), line: result.err.line, column: result.err.col ?? 1 };
}

type Node = Record<string, unknown> & { ":@"?: unknown };

function elementsOf(text: string): XmlElement[] {
	const parser = new XMLParser({
		preserveOrder: true,
		captureMetaData: true,
		ignoreAttributes: true,
		processEntities: false,
		parseTagValue: false,
		trimValues: false,
		cdataPropName: "#cdata",
		maxNestedTags: maxDepth * 2,
	});
	const metaData = XMLParser.getMetaDataSymbol() as unknown as string;
	let seen = 0;
	const convert = (nodes: Node[], depth: number): { children: XmlElement[]; text: string } => {
		const children: XmlElement[] = [];
		let own = "";
		for (const node of nodes) {
			const name = Object.keys(node)[0] ?? "";
			if (name === "#text") own += decodeReferences(String(node[name]), 0);
			else if (name === "#cdata") own += (node[name] as Node[]).map((part) => String(part["#text"] ?? "")).join("");
			else {
				const offset = (node[metaData] as { startIndex: number }).startIndex;
				if (++seen > maxElements) throw new XmlFault("the file has more than 10,000 elements", offset);
				if (depth > maxDepth) throw new XmlFault("the elements are nested too deeply", offset);
				const inner = convert(node[name] as Node[], depth + 1);
				const words = inner.text.trim();
				const sections = words === "" || inner.children.length > 0 ? [] : textSections(text, offset);
				children.push({ ...leaf(text, offset), name, children: inner.children, text: words, sections });
			}
		}
		return { children, text: own };
	};
	return convert(parse(parser, text), 1).children;
}

/** The parser's own refusals, such as its depth limit, come as plain errors. */
function parse(parser: XMLParser, text: string): Node[] {
	try {
		return parser.parse(text) as Node[];
	} catch (error) {
		throw new XmlFault(error instanceof Error ? error.message : String(error), 0);
	}
}

function leaf(text: string, offset: number): XmlElement {
	const name = /^<([^\s/>]*)/.exec(text.slice(offset, offset + 256))?.[1] ?? "";
	return { name, attributes: scanStartTag(text, offset), children: [], text: "", sections: [], offset };
}
