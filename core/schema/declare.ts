/**
 * The language in which userconfig.xml elements are declared, once: validation, defaults and safeconf.xml derive from
 * these declarations, and so can a reference, an XSD and a form. Plain data, no functions.
 */

/** Units of time of spec/02 §0.1. */
export type TimeUnit = "d" | "h" | "m" | "s" | "ms" | "us";

/** What an attribute may hold. */
export type AttributeType =
	| { is: "text" }
	/** A word used in resource names, file names or commands: no blanks, no `/`. */
	| { is: "word" }
	/** `star`: `*` may stand for all. */
	| { is: "integer"; min: number; max: number; star?: true }
	| { is: "onoff" }
	| { is: "choice"; values: readonly string[] }
	/** Read in milliseconds; a bare number counts in `unit`. */
	| { is: "time"; unit: TimeUnit; min?: number; maxMs?: number }
	/** IPv4, IPv6 or a host name. `star`: `*` may stand for all. */
	| { is: "address"; star?: true }
	| { is: "netmask" }
	/** Absolute, of Linux or of Windows; trailing and doubled separators are taken out. */
	| { is: "directory" }
	/** Stays below the directory it belongs to. */
	| { is: "relative" }
	/** POSIX extended regular expression. */
	| { is: "regex" }
	/** What `pattern` describes whole, in the part of the syntax that JavaScript and XML Schema share. */
	| { is: "pattern"; pattern: string; expected: string };

/**
 * How far something documented is carried out: `now` by default; `later`: accepted, kept and named in one warning;
 * `legacy`: an old spelling that is accepted with a warning, and that `instead` replaces; `unneeded`: accepted without
 * effect, because of something that the existing product has and this one has not (`because`).
 */
export type Carried = "now" | "later" | "legacy" | "unneeded";

/** One attribute: what it may hold, what it is without being written, and how it is explained. */
export interface AttributeDeclaration {
	type: AttributeType;
	/** As a person would write it; absent: none. */
	default?: string;
	required?: boolean;
	/** May be written as "" on purpose; otherwise "" is a blank that somebody has to fill in (spec/09 §6.2). */
	mayBeEmpty?: boolean;
	/** May change while the module runs (spec/02, "dyn"). */
	dyn?: boolean;
	carried?: Carried;
	/** With `legacy`: what to write today. */
	instead?: string;
	/** With `unneeded`: why it has no effect. */
	because?: string;
	doc: string;
}

/** One element: its attributes, its children and how often it may stand. */
export interface ElementDeclaration {
	name: string;
	doc: string;
	attributes?: Readonly<Record<string, AttributeDeclaration>>;
	children?: readonly ElementDeclaration[];
	/** How often it must and may stand in its parent; any number by default. */
	min?: number;
	max?: number;
	/** More than `max` are read as if they were one, with a warning. */
	mayRepeat?: true;
	/** The attribute that no two elements of this name in one parent may have the same. */
	unique?: string;
	/** Exactly one of these attributes is written. */
	exactlyOne?: readonly string[];
	/** Holds text or CDATA of its own (failover rules). */
	text?: boolean;
	carried?: Carried;
	instead?: string;
}

/** The elements of `<service>` that one mode understands. */
export interface ModeElements {
	mode: string;
	elements: readonly ElementDeclaration[];
}

/**
 * Milliseconds of each unit.
 *
 * @example
 * const ms = 5 * unitMs.m; // 300000
 */
export const unitMs: Readonly<Record<TimeUnit, number>> = {
	d: 86_400_000,
	h: 3_600_000,
	m: 60_000,
	s: 1000,
	ms: 1,
	us: 0.001,
};

/**
 * `on` or `off`; read as true or false.
 *
 * @example
 * { tls: { type: onOff, default: "off", doc: "Speak TLS." } }
 */
export const onOff: AttributeType = { is: "onoff" };
/**
 * Any text.
 *
 * @example
 * { password: { type: text, required: true, doc: "Password." } }
 */
export const text: AttributeType = { is: "text" };
/**
 * A word used in resource names, file names or commands: no blanks, no `/`.
 *
 * @example
 * { ident: { type: word, required: true, doc: "Name of the resource." } }
 */
export const word: AttributeType = { is: "word" };
/**
 * IPv4, IPv6 or a host name.
 *
 * @example
 * { addr: { type: address, default: "127.0.0.1", doc: "Server." } }
 */
export const address: AttributeType = { is: "address" };
/**
 * A name that macros and environment variables may have.
 *
 * @example
 * { name: { type: identifier, required: true, doc: "Name of the variable." } }
 */
export const identifier: AttributeType = {
	is: "pattern",
	pattern: "[A-Za-z_][A-Za-z0-9_.()\\-]{0,127}",
	expected: "a name that begins with a letter or _ and has letters, digits, _ . - ( ) only",
};
/**
 * A TCP or UDP port, 1 to 65535.
 *
 * @example
 * { port: { type: port, default: "6379", doc: "TCP port." } }
 */
export const port: AttributeType = { is: "integer", min: 1, max: 65_535 };
/**
 * A number without a tighter documented bound.
 *
 * @example
 * { retries: { type: count, default: "3", doc: "How often it is tried." } }
 */
export const count: AttributeType = { is: "integer", min: 0, max: 2_147_483_647 };

/**
 * One of these words.
 *
 * @example
 * { mode: { type: choice("fast", "safe"), default: "safe", doc: "How it works." } }
 */
export function choice(...values: string[]): AttributeType {
	return { is: "choice", values };
}

/**
 * A duration; it is read in milliseconds. `min` and a bare number count in `unit`, `maxMs` in milliseconds.
 *
 * @example
 * { interval: { type: time("s", { min: 1 }), default: "10s", doc: "Time between two tests." } }
 */
export function time(unit: TimeUnit, bounds: { min?: number; maxMs?: number } = {}): AttributeType {
	return { is: "time", unit, ...bounds };
}
