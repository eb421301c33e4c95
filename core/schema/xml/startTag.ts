/** Reads the attributes of one start tag, with their places: the parser of the library keeps none for attributes. */
import type { XmlAttribute } from "./element.ts";

/** Thrown for what is no XML; `offset` counts in the whole text. */
export class XmlFault extends Error {
	readonly offset: number;
	readonly entity: string | undefined;

	constructor(message: string, offset: number, entity?: string) {
		super(message);
		this.offset = offset;
		this.entity = entity;
	}
}

const maxAttributes = 256;
/** Of names as the library reads them: those of XML without what UTF-16 writes in two units. */
const letters =
	":A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F" +
	"\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD";
const nameStart = new RegExp(`[${letters}]`);
const nameRest = new RegExp(`[${letters}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F\\u2040]`);
const blank = /[ \t\n\r]/;

/**
 * The attributes of the start tag at `offset` (which must be its `<`), in the order of the file.
 * Throws XmlFault for a missing quote, a missing blank, a raw `<`, an unknown reference or a repeated name.
 */
export function scanStartTag(text: string, offset: number): XmlAttribute[] {
	return readStartTag(text, offset).attributes;
}

export interface StartTag {
	name: string;
	attributes: XmlAttribute[];
	/** `<a/>`. */
	empty: boolean;
	/** After the `>`. */
	end: number;
}

/** The same, and what else the tag says. */
export function readStartTag(text: string, offset: number): StartTag {
	const attributes: XmlAttribute[] = [];
	let at = skipName(text, offset + 1);
	const tag = { name: text.slice(offset + 1, at), attributes };
	for (;;) {
		const before = at;
		at = skipBlanks(text, at);
		if (text[at] === ">") return { ...tag, empty: false, end: at + 1 };
		if (text[at] === "/" && text[at + 1] === ">") return { ...tag, empty: true, end: at + 2 };
		if (at >= text.length) throw new XmlFault("the tag does not end", offset);
		if (at === before) throw new XmlFault("a blank is missing before this attribute", at);
		const start = at;
		at = skipName(text, at);
		const name = text.slice(start, at);
		if (attributes.length >= maxAttributes)
			throw new XmlFault(`the tag has more than ${maxAttributes} attributes`, start);
		if (attributes.some((other) => other.name === name)) throw new XmlFault(`the attribute ${name} is repeated`, start);
		at = skipBlanks(text, at);
		if (text[at] !== "=") throw new XmlFault(`the attribute ${name} has no value`, start);
		at = skipBlanks(text, at + 1);
		const quote = text[at];
		if (quote !== '"' && quote !== "'") throw new XmlFault(`the value of ${name} is not in quotes`, start);
		const end = text.indexOf(quote, at + 1);
		if (end < 0) throw new XmlFault(`the value of ${name} has no closing quote`, at);
		attributes.push({ name, value: decode(text.slice(at + 1, end), at + 1), offset: start });
		at = end + 1;
	}
}

function skipName(text: string, from: number): number {
	if (!nameStart.test(text[from] ?? "")) throw new XmlFault("a name is expected here", from);
	let at = from + 1;
	while (nameRest.test(text[at] ?? "")) at++;
	return at;
}

function skipBlanks(text: string, from: number): number {
	let at = from;
	while (blank.test(text[at] ?? "")) at++;
	return at;
}

const predefined: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** An attribute's value: blanks become spaces as XML demands, then references are decoded. */
function decode(raw: string, offset: number): string {
	const less = raw.indexOf("<");
	if (less >= 0) throw new XmlFault("`<` inside a value is written &lt;", offset + less);
	return decodeReferences(raw.replace(/[\t\n\r]/g, " "), offset);
}

/** Decodes the references of `raw`, which begins at `offset`. */
export function decodeReferences(raw: string, offset: number): string {
	return raw.replace(/&([^;&]{0,32};)?/g, (reference: string, body: string | undefined, at: number) => {
		if (body === undefined) throw new XmlFault("`&` inside a value is written &amp;", offset + at, reference);
		const name = body.slice(0, -1);
		const known = Object.hasOwn(predefined, name) ? predefined[name] : character(name);
		if (known === undefined) throw new XmlFault(`the entity ${reference} is not known`, offset + at, reference);
		return known;
	});
}

/** `#65` and `#x41`; undefined for what is no character of XML. */
function character(name: string): string | undefined {
	const match = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(name);
	if (match === null) return undefined;
	const code = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16);
	const legal = code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0x10ffff);
	return legal && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff
		? String.fromCodePoint(code)
		: undefined;
}
