/** Holds the elements of a file against their declarations: expands macros, reads values, reports all that is wrong. */
import type { AttributeDeclaration, ElementDeclaration } from "./declare.ts";
import type { Macros } from "./macros.ts";
import type { Report } from "./report.ts";
import { nearest } from "./suggest.ts";
import { readValue, type Value } from "./values.ts";
import type { XmlElement } from "./xml/element.ts";

/** An element whose values are read. Absent values have neither been written nor a default. */
export interface CheckedElement {
	name: string;
	/** For reports. */
	xml: XmlElement;
	values: Readonly<Record<string, Value | undefined>>;
	/** What was written, macros expanded, in the order of the file. */
	written: readonly { name: string; value: string }[];
	children: CheckedElement[];
	text: string;
}

export interface Validation {
	report: Report;
	macros: Macros;
	/** `config`: blanks and unknown macros are errors; `check`: a module that nobody has filled in yet is fine. */
	purpose: "config" | "check";
	/** What was already named as not carried out, by element and attribute. */
	later: Set<string>;
}

/** Checks the attributes of one element and expands its macros. */
export function checkAttributes(
	element: XmlElement,
	declaration: ElementDeclaration,
	run: Validation,
	inLater: boolean,
): CheckedElement {
	const declared = declaration.attributes ?? {};
	const values: Record<string, Value | undefined> = {};
	const written: { name: string; value: string }[] = [];
	for (const attribute of element.attributes) {
		if (/^(xmlns(:|$)|xsi:)/.test(attribute.name)) continue;
		const known = Object.hasOwn(declared, attribute.name) ? declared[attribute.name] : undefined;
		if (known === undefined) {
			reportUnknown(element, attribute.name, Object.keys(declared), run);
			continue;
		}
		const text = expand(element, attribute.name, attribute.value, run);
		written.push({ name: attribute.name, value: text ?? attribute.value });
		if (text === undefined) continue;
		if (text.trim() === "" && known.mayBeEmpty !== true) reportBlank(element, attribute.name, attribute.value, run);
		else values[attribute.name] = read(element, attribute.name, known, text, run);
		if (!inLater) warnOfCarried(element, attribute.name, known, text, run);
	}
	for (const [name, known] of Object.entries(declared)) {
		if (element.attributes.some((attribute) => attribute.name === name)) continue;
		if (known.required === true) {
			run.report.add("CONFIG_MISSING", `the attribute ${name} is missing`, element, {
				attribute: name,
				expected: known.doc,
			});
		} else if (known.default !== undefined) values[name] = read(element, name, known, known.default, run);
	}
	reportAlternatives(element, declaration, run);
	return { name: element.name, xml: element, values, written, children: [], text: element.text };
}

/** Checks an element and all below it. */
export function checkElementTree(
	element: XmlElement,
	declaration: ElementDeclaration,
	run: Validation,
	inLater = false,
): CheckedElement {
	warnOfElement(element, declaration, run, inLater);
	const later = inLater || declaration.carried === "later";
	const checked = checkAttributes(element, declaration, run, later);
	checked.children = checkChildren(element, declaration, run, (child, known) =>
		checkElementTree(child, known, run, later),
	);
	return checked;
}

/** Checks names and numbers of the children, and the children themselves through `check`. */
export function checkChildren(
	element: XmlElement,
	declaration: ElementDeclaration,
	run: Validation,
	check: (child: XmlElement, known: ElementDeclaration) => CheckedElement,
): CheckedElement[] {
	const declared = declaration.children ?? [];
	const checked: CheckedElement[] = [];
	const counts = new Map<string, number>();
	if (element.text !== "" && declaration.text !== true) {
		const found = element.text.slice(0, 40);
		run.report.add("CONFIG_VALUE", `text inside <${element.name}> is ignored`, element, {
			severity: "warning",
			found,
			remedy: "Remove the text, or make it a comment.",
		});
	}
	for (const child of element.children) {
		const known = declared.find((each) => each.name === child.name);
		if (known === undefined) {
			reportUnknownElement(child, element.name, declared, run);
			continue;
		}
		const number = (counts.get(child.name) ?? 0) + 1;
		counts.set(child.name, number);
		if (number === (known.max ?? Number.POSITIVE_INFINITY) + 1) reportRepeated(child, element, known, run);
		checked.push(check(child, known));
	}
	for (const known of declared) {
		if (known.unique !== undefined) reportEqual(checked, known.name, known.unique, run);
		if ((counts.get(known.name) ?? 0) >= (known.min ?? 0)) continue;
		run.report.add("CONFIG_MISSING", `<${element.name}> has no <${known.name}>`, element, {
			expected: `<${known.name}>: ${known.doc}`,
		});
	}
	return checked;
}

function reportRepeated(child: XmlElement, parent: XmlElement, known: ElementDeclaration, run: Validation): void {
	const often = known.max === 1 ? "once" : `${known.max} times`;
	run.report.add("CONFIG_REPEATED", `<${child.name}> stands more than ${often} in <${parent.name}>`, child, {
		...(known.mayRepeat ? { severity: "warning", remedy: "They are read as one; make it one." } : {}),
	});
}

/** Elements of one name whose attribute `unique` is the same. */
function reportEqual(checked: readonly CheckedElement[], name: string, unique: string, run: Validation): void {
	const seen = new Set<Value>();
	for (const { name: own, values, xml } of checked) {
		const value = own === name ? values[unique] : undefined;
		if (value === undefined) continue;
		if (seen.has(value)) {
			const message = `two <${name}> have the ${unique} ${value}`;
			const expected = `${/^[aeiou]/.test(unique) ? "an" : "a"} ${unique} of its own`;
			const details = { attribute: unique, found: String(value), expected };
			run.report.add("CONFIG_REPEATED", message, xml, details);
		}
		seen.add(value);
	}
}

/** Of attributes of which exactly one is written. */
function reportAlternatives(element: XmlElement, declaration: ElementDeclaration, run: Validation): void {
	const all = declaration.exactlyOne ?? [];
	const [first, second] = element.attributes.filter(({ name }) => all.includes(name));
	const message = `<${element.name}> takes either ${all.join(" or ")}`;
	if (all.length > 0 && first === undefined) {
		run.report.add("CONFIG_MISSING", message, element, { expected: all.join(" or ") });
	} else if (second !== undefined) {
		const remedy = `Write two <${element.name}> elements.`;
		run.report.add("CONFIG_REPEATED", message, element, { attribute: second.name, remedy });
	}
}

function expand(element: XmlElement, attribute: string, value: string, run: Validation): string | undefined {
	const expanded = run.macros.expand(value);
	if ("text" in expanded) return expanded.text;
	const severity = run.purpose === "check" && "unknown" in expanded ? "warning" : "error";
	const message =
		"unknown" in expanded
			? `%${expanded.unknown}% is neither a macro nor an environment variable`
			: `the value of ${attribute} grows beyond what a file may hold (64 KiB a value, 4 MiB in all)`;
	run.report.add("CONFIG_MACRO", message, element, { severity, attribute, found: value });
	return undefined;
}

function read(
	element: XmlElement,
	attribute: string,
	known: AttributeDeclaration,
	text: string,
	run: Validation,
): Value | undefined {
	const result = readValue(known.type, text);
	if ("value" in result) {
		if (result.legacy !== undefined) {
			run.report.add("CONFIG_LEGACY", `the value of ${attribute} is an old spelling`, element, {
				severity: "warning",
				attribute,
				found: text,
				remedy: `It is read as ${result.legacy}.`,
			});
		}
		return result.value;
	}
	// These words are documented (spec/02 §0.1); other values follow them.
	const message = `invalid value '${text}' for the attribute ${attribute} (expected ${result.expected})`;
	run.report.add(result.unit ? "CONFIG_TIME_UNIT" : "CONFIG_VALUE", message, element, {
		attribute,
		found: text,
		expected: result.expected,
	});
	return undefined;
}

function reportBlank(element: XmlElement, attribute: string, raw: string, run: Validation): void {
	const through = raw.trim() === "" ? "" : ` (through ${raw.trim()})`;
	run.report.add("CONFIG_BLANK", `the attribute ${attribute} is blank${through}`, element, {
		severity: run.purpose === "check" ? "warning" : "error",
		attribute,
		found: "",
		expected: "a value",
	});
}

function reportUnknown(element: XmlElement, attribute: string, known: string[], run: Validation): void {
	const guess = nearest(attribute, known);
	const expected = known.length === 0 ? "no attribute" : known.join(", ");
	const remedy = guess === undefined ? undefined : { remedy: `Did you mean \`${guess}\`?` };
	run.report.add("CONFIG_UNKNOWN_ATTRIBUTE", `<${element.name}> has no attribute ${attribute}`, element, {
		attribute,
		found: attribute,
		expected,
		...remedy,
	});
}

function reportUnknownElement(
	child: XmlElement,
	parent: string,
	known: readonly ElementDeclaration[],
	run: Validation,
): void {
	const names = known.map((each) => each.name);
	const guess = nearest(child.name, names);
	const expected = names.length === 0 ? "no element" : names.join(", ");
	const remedy = guess === undefined ? undefined : { remedy: `Did you mean <${guess}>?` };
	run.report.add("CONFIG_UNKNOWN_ELEMENT", `<${child.name}> is not known inside <${parent}>`, child, {
		found: child.name,
		expected,
		...remedy,
	});
}

function warnOfElement(element: XmlElement, declaration: ElementDeclaration, run: Validation, inLater: boolean): void {
	if (declaration.carried === "legacy") {
		run.report.add("CONFIG_LEGACY", `<${element.name}> here is an old spelling`, element, {
			severity: "warning",
			remedy: `Today: ${declaration.instead}.`,
		});
	}
	if (declaration.carried !== "later" || inLater || run.later.has(element.name)) return;
	run.later.add(element.name);
	run.report.add("CONFIG_LATER", `<${element.name}> is accepted but not carried out yet`, element, {
		severity: "warning",
	});
}

/** An attribute that asks for something to be off asks for nothing that is missing. */
function warnOfCarried(
	element: XmlElement,
	attribute: string,
	known: AttributeDeclaration,
	text: string,
	run: Validation,
): void {
	if (known.carried === "legacy") {
		run.report.add("CONFIG_LEGACY", `the attribute ${attribute} is an old spelling`, element, {
			severity: "warning",
			attribute,
			remedy: `Today: ${known.instead}.`,
		});
	}
	if (known.carried === "unneeded") {
		const message = `the attribute ${attribute} of <${element.name}> has no effect here: ${known.because}`;
		run.report.add("CONFIG_UNNEEDED", message, element, { severity: "warning", attribute });
	}
	const key = `${element.name}@${attribute}`;
	if (known.carried !== "later" || text === "off" || run.later.has(key)) return;
	run.later.add(key);
	run.report.add(
		"CONFIG_LATER",
		`the attribute ${attribute} of <${element.name}> is accepted but not carried out yet`,
		element,
		{ severity: "warning", attribute },
	);
}
