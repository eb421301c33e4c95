/**
 * Attribute types as simple types of XML Schema 1.0. Each also takes what the validator takes before a module is
 * configured: a blank that somebody fills in later, and a macro, whose value an editor does not know.
 */
import { type AttributeType, type TimeUnit, unitMs } from "../declare.ts";
import { readTime } from "../units.ts";
import { element, type Node } from "./node.ts";

/** Types that attributes refer to by name. */
export function namedTypes(): Node[] {
	return [
		named("blankOrMacro", [
			element("xs:union", {}, [
				anonymous(restriction("xs:token", [facet("maxLength", 0)])),
				anonymous(restriction("xs:string", [pattern(".*%[A-Za-z_][A-Za-z0-9_.()\\-]{0,127}%.*")])),
			]),
		]),
		named("hostName.letters", [
			restriction("xs:token", [pattern("[A-Za-z0-9_]([A-Za-z0-9_.\\-]*[A-Za-z0-9_])?\\.?"), facet("maxLength", 253)]),
		]),
		// Digits and dots only are a mistyped address, not a name.
		named("hostName", [restriction("hostName.letters", [pattern(".*[^0-9.].*")])]),
		named("ipAddress", [restriction("xs:token", [pattern(ipv4), pattern(ipv6), pattern(`\\[${ipv6}\\]`)])]),
		...Object.entries(fixed).map(([name, content]) => named(name, [content])),
	];
}

/** The simple type of an attribute: a name, or a definition of its own. */
export function typeOf(type: AttributeType): { name: string } | { definition: Node } {
	if (type.is === "text") return { name: "xs:string" };
	const members = ["blankOrMacro"];
	const own: Node[] = [];
	if (type.is === "address") members.push("ipAddress", "hostName");
	else if (Object.hasOwn(fixed, type.is)) members.push(type.is);
	else own.push(anonymous(parametric(type)));
	if ("star" in type && type.star) own.push(anonymous(restriction("xs:token", [facet("enumeration", "*")])));
	return { definition: anonymous(element("xs:union", { memberTypes: members.join(" ") }, own)) };
}

const byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = `${byte}(\\.${byte}){3}`;
/** The rest is the validator's. */
const ipv6 = "[0-9A-Fa-f.:]*:[0-9A-Fa-f.:]*(%[A-Za-z0-9_.\\-]+)?";
/** Of a path, and not `..`. */
const step = "([^/\\\\]|[^/\\\\.][^/\\\\]|\\.[^/\\\\.]|[^/\\\\]{3,})";
const steps = `${step}([/\\\\]+${step})*[/\\\\]*`;

const fixed: Readonly<Record<string, Node>> = {
	word: restriction("xs:token", [pattern("[^\\s/\\\\<>\"'|;&]{1,255}")]),
	onoff: restriction("xs:token", [facet("enumeration", "on"), facet("enumeration", "off")]),
	netmask: restriction(
		"xs:token",
		Array.from({ length: 32 }, (_, zeros) => facet("enumeration", mask(32 - zeros))),
	),
	directory: restriction("xs:token", [pattern(`([A-Za-z]:)?[/\\\\]+(${steps})?`), facet("maxLength", 1024)]),
	relative: restriction("relative.steps", [pattern("[^:]*|.[^:].*|[^A-Za-z].*")]),
	"relative.steps": restriction("xs:token", [pattern(steps), facet("maxLength", 1024)]),
	regex: restriction("xs:string", [facet("minLength", 1), facet("maxLength", 1024)]),
};

function mask(ones: number): string {
	const bits = 2 ** 32 - 2 ** (32 - ones);
	return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join(".");
}

function parametric(type: AttributeType): Node {
	switch (type.is) {
		case "integer":
			return restriction("xs:integer", [facet("minInclusive", type.min), facet("maxInclusive", type.max)]);
		case "choice":
			return restriction(
				"xs:token",
				type.values.map((value) => facet("enumeration", value)),
			);
		case "time":
			return restriction("xs:token", timePatterns(type.unit, type.min ?? 0).map(pattern));
		case "pattern":
			return restriction("xs:token", [pattern(type.pattern)]);
		default:
			throw new Error(`the type ${type.is} has a name`);
	}
}

const fraction = "(\\.[0-9]{1,9})?";

/** A pattern for each unit: numbers that do not round to less than `min`, or to nothing. */
function timePatterns(unit: TimeUnit, min: number): string[] {
	const zero = min === 0 ? [`0+(\\.0+)?( ?(${Object.keys(unitMs).join("|")}))?`] : [];
	const units = (Object.keys(unitMs) as TimeUnit[]).map((each) => {
		const least = leastOf(each, unit, Math.max(min, 1));
		const suffix = each === unit ? `( ?${each})?` : ` ?${each}`;
		return `0*(${[...atLeast(least), `${least - 1}\\.[0-9]*[1-9][0-9]*`].join("|")})${fraction}${suffix}`;
	});
	return [...zero, ...units];
}

/** The smallest whole number of `unit` that is `min` of `implicit` when it is rounded, as the validator rounds. */
function leastOf(unit: TimeUnit, implicit: TimeUnit, min: number): number {
	const limits = { min, maxMs: Number.MAX_SAFE_INTEGER };
	let least = Math.max(1, Math.ceil((min * unitMs[implicit]) / unitMs[unit]));
	while (least > 1 && "ms" in readTime(String(Math.ceil(least / 2)) + unit, implicit, limits))
		least = Math.ceil(least / 2);
	let tooLittle = Math.floor(least / 2);
	while (least - tooLittle > 1) {
		const middle = Math.floor((least + tooLittle) / 2);
		if ("ms" in readTime(middle + unit, implicit, limits)) least = middle;
		else tooLittle = middle;
	}
	return least;
}

/** Patterns of the whole numbers from `least` on, without zeros before them. */
function atLeast(least: number): string[] {
	const digits = [...String(least)].map(Number);
	const more = (count: number): string => (count === 0 ? "" : `[0-9]{${count}}`);
	const larger = digits.flatMap((digit, at) =>
		digit === 9 ? [] : [`${digits.slice(0, at).join("")}[${digit + 1}-9]${more(digits.length - at - 1)}`],
	);
	return [digits.join(""), ...larger, `[1-9][0-9]{${digits.length},14}`];
}

function named(name: string, content: Node[]): Node {
	return element("xs:simpleType", { name }, content);
}

function anonymous(content: Node): Node {
	return element("xs:simpleType", {}, [content]);
}

function restriction(base: string, facets: Node[]): Node {
	return element("xs:restriction", { base }, facets);
}

function facet(name: string, value: string | number): Node {
	return element(`xs:${name}`, { value: String(value) });
}

function pattern(value: string): Node {
	return facet("pattern", value);
}
