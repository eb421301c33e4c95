/** Reads the text of one attribute as the type that its declaration names. */
import { isIP } from "node:net";
import { posix, win32 } from "node:path";
import type { AttributeType } from "./declare.ts";
import { Ere } from "./ere/ere.ts";
import { spelled } from "./ipv6.ts";
import { readTime } from "./units.ts";

export type Value = string | number | boolean;
/** `legacy`: what the text was read as, where an old spelling meant that. */
export type ReadValue = { value: Value; legacy?: string } | { expected: string; unit?: true };

/** The value of a non-empty text, or what was expected instead. `unit`: a time that its unit rounds to nothing. */
export function readValue(type: AttributeType, raw: string): ReadValue {
	const text = raw.trim();
	switch (type.is) {
		case "text":
			return { value: raw };
		case "word":
			return /^[^\s/\\<>"'|;&]{1,255}$/.test(text)
				? { value: text }
				: { expected: "a name without blanks and separators" };
		case "integer":
			return type.star && text === "*" ? { value: text } : readInteger(text, type);
		case "onoff":
			return text === "on" || text === "off" ? { value: text === "on" } : { expected: "on or off" };
		case "choice":
			return type.values.includes(text) ? { value: text } : { expected: type.values.join(", ") };
		case "time": {
			const read = readTime(text, type.unit, type);
			if ("ms" in read) return { value: read.ms };
			return { expected: read.expected, ...(read.wrong === "unit" ? { unit: true } : {}) };
		}
		case "address":
			return type.star && text === "*" ? { value: text } : readAddress(text, type.star);
		case "netmask":
			return isNetmask(text) ? { value: text } : { expected: "an IPv4 mask such as 255.255.255.0" };
		case "directory":
			return readDirectory(text);
		case "relative":
			return readRelative(text);
		case "regex":
			return readRegex(raw);
		case "pattern":
			return new RegExp(`^(?:${type.pattern})$`, "u").test(text) ? { value: text } : { expected: type.expected };
	}
}

function readInteger(text: string, { min, max, star }: { min: number; max: number; star?: true }): ReadValue {
	const number = /^[+-]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
	if (number >= min && number <= max) return { value: number };
	return { expected: `a whole number between ${min} and ${max}${star ? ", or *" : ""}` };
}

function readAddress(text: string, star?: true): ReadValue {
	const bare = text.replace(/^\[(.*)\]$/, "$1");
	if (isIP(bare) !== 0) return { value: spelled(bare) };
	// Digits and dots only are a mistyped address, not a name.
	const isName =
		text.length <= 253 && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/.test(text) && !/^[\d.]+$/.test(text);
	return isName ? { value: text } : { expected: `an IP address or a host name${star ? ", or *" : ""}` };
}

function isNetmask(text: string): boolean {
	if (isIP(text) !== 4) return false;
	const bits = text
		.split(".")
		.reduce((all, part) => all * 256 + Number(part), 0)
		.toString(2)
		.padStart(32, "0");
	return /^1+0*$/.test(bits);
}

function readDirectory(text: string): ReadValue {
	const style = posix.isAbsolute(text) ? posix : win32.isAbsolute(text) ? win32 : null;
	if (style === null || text.includes("\0") || text.length > 1024) return { expected: "an absolute directory" };
	if (text.split(/[\\/]/).includes("..")) return { expected: "an absolute directory without `..`" };
	// resolve() also takes a trailing separator away, but leaves that of a root.
	return { value: style.normalize(text).replace(/(?<=[^:\\/])[\\/]+$/, "") };
}

function readRelative(text: string): ReadValue {
	const slashed = text.replaceAll("\\", "/");
	const parts = slashed.split("/").filter((part) => part !== "" && part !== ".");
	const outside = slashed.startsWith("/") || /^[A-Za-z]:/.test(slashed) || parts.includes("..");
	if (outside || parts.length === 0 || text.length > 1024) return { expected: "a path below the replicated directory" };
	return { value: parts.join("/") };
}

/** A leading `!` inverts (spec/06 §2) and is kept. */
function readRegex(text: string): ReadValue {
	// Old versions for Windows grouped with braces (spec/02 §13); a POSIX expression cannot begin with one.
	const braced = /^\{(.*)\}$/.exec(text)?.[1];
	if (braced !== undefined) return { value: `(${braced})`, legacy: `(${braced})` };
	try {
		new Ere(text.replace(/^!/, ""));
		return { value: text };
	} catch (error) {
		return { expected: `a POSIX extended regular expression: ${(error as Error).message}` };
	}
}
