import test from "ava";
import fc from "fast-check";
import { XMLParser } from "fast-xml-parser";
import type { Problem } from "../../core/errors.ts";
import { readXml, type XmlDocument } from "../../core/schema/xml/document.ts";
import { scanStartTag } from "../../core/schema/xml/startTag.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function faultOf(text: string | Uint8Array): Problem {
	const result = readXml(typeof text === "string" ? bytes(text) : text, "u.xml");
	if (!("code" in result)) throw new Error(`accepted: ${text}`);
	return result;
}

function documentOf(text: string | Uint8Array): XmlDocument {
	const result = readXml(typeof text === "string" ? bytes(text) : text, "u.xml");
	if ("code" in result) throw new Error(`${result.message} at ${result.line}:${result.column}`);
	return result;
}

const refused: [what: string, xml: string, code: string, line: number, column: number][] = [
	["two roots", "<safe></safe>\n<safe></safe>", "XML_SYNTAX", 2, 1],
	["two empty roots", "<safe/>\n<safe/>", "XML_SYNTAX", 2, 1],
	["a repeated attribute", "<safe>\n<service mode='a' mode='b'/></safe>", "XML_SYNTAX", 2, 19],
	["an internal entity", '<!DOCTYPE safe [<!ENTITY a "b">]>\n<safe x="&a;"/>', "XML_ENTITY", 1, 17],
	[
		"an external entity",
		'<!DOCTYPE safe [\n<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><safe/>',
		"XML_ENTITY",
		2,
		1,
	],
	["an unknown entity", '<safe a="x"\n b="&foo;"/>', "XML_ENTITY", 2, 5],
	["a bare &", '<safe a="a & b"/>', "XML_SYNTAX", 1, 12],
	["a raw <", '<safe a="<"/>', "XML_SYNTAX", 1, 10],
	["a comment in a value", '<safe a="<!-- -->"/>', "XML_SYNTAX", 1, 10],
	["no quotes", "<safe a=1/>", "XML_SYNTAX", 1, 7],
	["no closing quote", '<safe\n a="1/>', "XML_SYNTAX", 2, 4],
	["no closing tag", "<safe><service></safe>", "XML_SYNTAX", 1, 16],
	["an end tag too many", "<safe></safe>\n</safe>", "XML_SYNTAX", 2, 1],
	["an element that stays open", "<safe>\n<service>", "XML_SYNTAX", 2, 1],
	["an end tag with attributes", "<safe>\n</safe a='b'>", "XML_SYNTAX", 2, 1],
	["an open comment", "<safe><!-- </safe>", "XML_SYNTAX", 1, 7],
	["an open CDATA section", "<safe><![CDATA[ </safe>", "XML_SYNTAX", 1, 7],
	["a late DOCTYPE", "<safe><!DOCTYPE safe></safe>", "XML_SYNTAX", 1, 7],
	["text after the root", "<safe></safe>x", "XML_SYNTAX", 1, 14],
	["no XML", "hello", "XML_SYNTAX", 1, 1],
	["nothing", "", "XML_SYNTAX", 1, 1],
	["a character that is none", '<safe a="&#0;"/>', "XML_ENTITY", 1, 10],
];

for (const [what, xml, code, line, column] of refused) {
	test(`refused with its place: ${what}`, (t) => {
		const fault = faultOf(xml);
		t.deepEqual([fault.code, fault.line, fault.column], [code, line, column], fault.message);
		t.is(fault.file, "u.xml");
		t.not(fault.remedy, "");
	});
}

test("too much is refused: bytes, elements, levels", (t) => {
	t.is(faultOf(`<safe>${" ".repeat(1 << 20)}</safe>`).code, "XML_LIMIT");
	t.regex(faultOf(`<safe>${"<a/>".repeat(10_001)}</safe>`).message, /10,000 elements/);
	t.regex(faultOf(`${"<a>".repeat(40)}${"</a>".repeat(40)}`).message, /deeply/);
	t.is(faultOf(`${"<a>".repeat(100_000)}${"</a>".repeat(100_000)}`).code, "XML_SYNTAX");
});

test("bytes that are not what they say are refused", (t) => {
	t.is(faultOf(new Uint8Array([0x3c, 0x61, 0xff, 0x2f, 0x3e])).code, "XML_ENCODING");
	t.is(faultOf("<a b='\0'/>").code, "XML_ENCODING");
});

test("what real files have is accepted", (t) => {
	const text = "<safe>\r\n\t<service mode='mirror'\r\n  boot=\"on\"/>\r\n</safe>";
	for (const file of [
		text,
		`\ufeff${text}`,
		`<!-- a \\-\\- b -- c --><!DOCTYPE safe>${text}`,
		`<?xml version="1.0"?>\n<!DOCTYPE safe><!-- x -->${text}\n`,
	]) {
		const service = documentOf(file).root.children[0];
		t.deepEqual(
			service?.attributes.map(({ name, value }) => [name, value]),
			[
				["mode", "mirror"],
				["boot", "on"],
			],
		);
	}
	const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);
	t.is(documentOf(utf16).root.name, "safe");
	const latin1 = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><safe a="\u00e9"/>', "latin1");
	t.is(documentOf(latin1).root.attributes[0]?.value, "\u00e9");
});

test("CDATA is text, comments are nothing, places stay true", (t) => {
	const { root, lines } = documentOf("<safe><!-- <x/>\n --><failover><![CDATA[ a < b && c ]]></failover></safe>");
	t.is(root.children[0]?.text, "a < b && c");
	t.deepEqual(lines.at(root.children[0]?.offset ?? 0), { line: 2, column: 5 });
});

test("macros before the root are read", (t) => {
	const { root, before } = documentOf(
		'<!DOCTYPE safe>\n<macro name="A" value="1>2"/>\n<macro name="B" value="2"/><safe/>',
	);
	t.is(root.name, "safe");
	t.deepEqual(
		before.map((macro) => macro.attributes.map(({ value }) => value)),
		[
			["A", "1>2"],
			["B", "2"],
		],
	);
});

const name = fc
	.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,12}$/)
	.filter((text) => !["__proto__", "constructor", "prototype"].includes(text));
const value = fc.string({
	unit: fc.constantFrom("a", "1", " ", "&", "<", ">", "'", '"', "%", "é", "\\", "/", "=", "😀"),
	maxLength: 20,
});
const escaped = (text: string, quote: string): string =>
	text
		.replaceAll("&", "&amp;")
		.replaceAll("<", "&lt;")
		.replaceAll(quote, quote === '"' ? "&quot;" : "&apos;");

test("the attribute scanner reads what was written, and what fast-xml-parser reads", (t) => {
	const parser = new XMLParser({
		ignoreAttributes: false,
		attributeNamePrefix: "",
		parseAttributeValue: false,
		trimValues: false,
	});
	const attributes = fc.uniqueArray(
		fc.tuple(name, value, fc.constantFrom("'", '"'), fc.constantFrom(" ", "\n", "\t ")),
		{
			selector: ([key]) => key,
			maxLength: 6,
		},
	);
	fc.assert(
		fc.property(attributes, (written) => {
			const tag = `<e${written.map(([key, text, quote, blank]) => `${blank}${key}${blank}=${quote}${escaped(text, quote)}${quote}`).join("")}/>`;
			const scanned = scanStartTag(tag, 0);
			t.deepEqual(
				scanned.map((each) => [each.name, each.value]),
				written.map(([key, text]) => [key, text]),
			);
			for (const each of scanned) t.true(tag.startsWith(each.name, each.offset));
			const theirs = (parser.parse(tag) as { e: Record<string, string> | "" }).e || {};
			t.deepEqual(Object.fromEntries(scanned.map((each) => [each.name, each.value])), { ...theirs });
		}),
		{ numRuns: 300 },
	);
});

test("no text makes the reader throw", (t) => {
	const pieces = fc.constantFrom(
		"<",
		">",
		"/",
		"safe",
		" ",
		"a",
		"=",
		'"',
		"'",
		"&",
		";",
		"#",
		"!",
		"--",
		"[CDATA[",
		"]]>",
		"?",
		"DOCTYPE",
		"[",
		"]",
		"\n",
		"<!--",
		"-->",
	);
	fc.assert(
		fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
			const result = readXml(bytes(parts.join("")), "u.xml");
			t.true("root" in result || result.message.length > 0);
		}),
		{ numRuns: 2000 },
	);
});
