/** Breaks configurations in the ways in which people, editors and transfers break them, and in any other. */
import fc from "fast-check";

/** One step; numbers are places, as parts of what there is. */
type Mutation = (text: string) => string;

const part = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const at = (text: string, where: number): number => Math.floor(where * (text.length + 1));

/** What XML, numbers, times, macros, paths and expressions trip over. */
const nasty = [
	..."<>&\"'%/\\=;!-[]{}()\0\r\n\t ",
	...[
		"<!--",
		"-->",
		"<![CDATA[",
		"]]>",
		"<?xml?>",
		"<!DOCTYPE a>",
		'<!DOCTYPE a [<!ENTITY b "c">]>',
		"</safe>",
		"<safe>",
	],
	...["&amp;", "&#0;", "&#x110000;", "&b;", "&#55296;", "\u{feff}", "\ud800", "\u{1f600}", "é", "\u0085", "\u2028"],
	...["%A%", "%%", "%PATH%", "..", "../..", "/", "C:\\", "//x", "-0", "1e9", "0x10", "NaN", "1.5", ".5", "5."],
	...[
		"9".repeat(400),
		"10us",
		"0.0000000001d",
		"99999999999d",
		"500ms",
		"on",
		"ON",
		"(((((",
		"[[:alpha:",
		"a{2,1}",
		"(a+)+$",
	],
	...[
		"a".repeat(70_000),
		"10.0.0.1",
		"::",
		"fe80::1%lo",
		"255.0.255.0",
		"constructor",
		"__proto__",
		"toString",
		"xmlns:a",
	],
];

const value = fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 20, unit: "binary" }));

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
	fc.tuple(part, fc.nat(60)).map(
		([where, length]): Mutation =>
			(text) =>
				cut(text, at(text, where), length),
	),
	fc.tuple(part, value).map(
		([where, more]): Mutation =>
			(text) =>
				splice(text, at(text, where), 0, more),
	),
	fc.tuple(part, fc.nat(200), part).map(
		([where, length, to]): Mutation =>
			(text) => {
				const from = at(text, where);
				return splice(text, at(text, to), 0, text.slice(from, from + length));
			},
	),
	fc.tuple(part, value).map(([where, more]): Mutation => replaceMatch(/(?<==")[^"]*(?=")/g, where, () => more)),
	fc.tuple(part, value).map(([where, more]): Mutation => replaceMatch(/[A-Za-z_]{1,40}(?==")/g, where, () => more)),
	fc.tuple(part, value).map(([where, more]): Mutation => replaceMatch(/(?<=<\/?)\w{1,40}/g, where, () => more)),
	// Whole elements and attributes: twice, or gone. (Bounds keep these searches from taking longer than what is tested.)
	part.map((where) => replaceMatch(/<(\w{1,40})[^<>]{0,400}\/>/g, where, (found) => found + found)),
	part.map((where) => replaceMatch(/<(\w{1,40})[^<>]{0,400}\/>/g, where, () => "")),
	part.map((where) => replaceMatch(/ \w{1,40}="[^"]{0,400}"/g, where, (found) => found + found)),
	part.map((where) => replaceMatch(/ \w{1,40}="[^"]{0,400}"/g, where, () => "")),
	part.map((where) => replaceMatch(/<(\w{1,40})[^<>]{0,400}>[\s\S]{0,2000}?<\/\1>/g, where, (found) => found + found)),
	part.map((where) => replaceMatch(/<(\w{1,40})[^<>]{0,400}>[\s\S]{0,2000}?<\/\1>/g, where, () => "")),
	part.map((where) =>
		replaceMatch(/<(\w{1,40})[^<>]{0,400}>[\s\S]{0,2000}?<\/\1>/g, where, (found) => `<x>${found}</x>`),
	),
	part.map(
		(where): Mutation =>
			(text) =>
				text.slice(0, at(text, where)),
	),
	part.map((where) => replaceMatch(/(?<=>)\s+(?=<)/g, where, (found) => `${found}<!-- -- -->${found}`)),
	part.map((where) => replaceMatch(/"[^"'<>]{0,400}"/g, where, (found) => ` ${found.replaceAll('"', "'")} `.trim())),
	fc.constant((text: string) => text.replaceAll("\n", "\r\n")),
	fc.constant((text: string) => `\u{feff}${text}`),
);

/** From text to bytes: as it is, as Windows writes it, or with bytes that were hit on the way. */
const encoding: fc.Arbitrary<(text: string) => Uint8Array> = fc.oneof(
	{ weight: 12, arbitrary: fc.constant((text: string): Uint8Array => Buffer.from(text)) },
	{ weight: 1, arbitrary: fc.constant((text: string): Uint8Array => Buffer.from(`\u{feff}${text}`, "utf16le")) },
	{
		weight: 2,
		arbitrary: fc.tuple(part, fc.nat(255)).map(([where, byte]) => (text: string): Uint8Array => {
			const bytes = Buffer.from(text);
			bytes[Math.floor(where * bytes.length)] = byte;
			return bytes;
		}),
	},
);

/** One of the configurations, broken one to six times. */
export function mutated(bases: readonly string[]): fc.Arbitrary<Uint8Array> {
	const few = fc.array(mutation, { minLength: 1, maxLength: 2 });
	const many = fc.array(mutation, { minLength: 3, maxLength: 6 });
	return fc
		.tuple(fc.constantFrom(...bases), fc.oneof(few, many), encoding)
		.map(([base, steps, encode]) => encode(steps.reduce((text, step) => step(text), base)));
}

function splice(text: string, where: number, length: number, more: string): string {
	return text.slice(0, where) + more + text.slice(where + length);
}

function cut(text: string, where: number, length: number): string {
	return splice(text, where, length, "");
}

/** Replaces one of the matches. */
function replaceMatch(pattern: RegExp, where: number, by: (found: string) => string): Mutation {
	return (text) => {
		const all = [...text.matchAll(pattern)];
		const found = all[Math.floor(where * all.length)];
		return found === undefined ? text : splice(text, found.index, found[0].length, by(found[0]));
	};
}
