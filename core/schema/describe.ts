/** Declarations in words, for the reference page, the XSD and the terminal. */
import type { AttributeDeclaration, AttributeType, ElementDeclaration } from "./declare.ts";

/** What an attribute may hold: `on, off`, `1 to 65535`. */
export function valuesOf(type: AttributeType): string {
	const star = "star" in type && type.star ? ", or * for all" : "";
	switch (type.is) {
		case "text":
			return "text";
		case "word":
			return "a name without blanks";
		case "integer":
			return `${type.min} to ${type.max}${star}`;
		case "onoff":
			return "on, off";
		case "choice":
			return type.values.join(", ");
		case "time":
			return `a time; without unit: ${unitNames[type.unit]}`;
		case "address":
			return `an IP address or a host name${star}`;
		case "netmask":
			return "an IPv4 mask";
		case "directory":
			return "an absolute path";
		case "relative":
			return "a path below the directory";
		case "regex":
			return "a POSIX extended regular expression";
		case "pattern":
			return type.expected;
	}
}

const unitNames = { d: "days", h: "hours", m: "minutes", s: "seconds", ms: "milliseconds", us: "microseconds" };

/** What a person should know of an attribute beside its values and its default. */
export function notesOf(attribute: AttributeDeclaration): string[] {
	const { carried } = attribute;
	return [
		...(carried === "later" ? ["Accepted, not carried out yet."] : []),
		...(carried === "legacy" ? [`Old spelling; today: ${attribute.instead}.`] : []),
		...(carried === "unneeded" ? [`Accepted, has no effect here: ${attribute.because}.`] : []),
	];
}

/** How often an element stands in its parent. */
export function oftenOf({ min = 0, max }: ElementDeclaration): string {
	if (max === 1) return min === 1 ? "once" : "at most once";
	return min >= 1 ? "at least once" : "any number of times";
}

/** The same for an element. */
export function elementNotesOf(element: ElementDeclaration): string[] {
	const { carried, exactlyOne, unique } = element;
	return [
		...(exactlyOne === undefined ? [] : [`Has exactly one of the attributes ${exactlyOne.join(" and ")}.`]),
		...(unique === undefined ? [] : [`No two of them in one parent have the same ${unique}.`]),
		...(carried === "later" ? ["Accepted, not carried out yet."] : []),
		...(carried === "legacy" ? [`Old spelling; today: ${element.instead}.`] : []),
	];
}
