/**
 * The table of userconfig.xml: a row for each element and attribute of spec/02 (and spec/06 §2), written from the
 * documentation and not from the declarations. test/schema/table.test.ts proves that both say the same.
 */

/** Of an attribute that must be written, and of one that has no default. */
export const must = Symbol("must be written");
export const none = Symbol("no default");

/** `dyn`: may change while the module runs. */
export type AttributeRow = readonly [
	/** `mode:path@name`; without mode: of every mode. */
	at: string,
	preset: string | typeof must | typeof none,
	dyn: "dyn" | "",
	/** Values that are accepted. */
	accepted: readonly string[],
	bad: string,
	error: string,
];

export type ElementRow = readonly [
	at: string,
	/** In its parent. */
	often: "1" | "0..1" | "1..n" | "0..n",
	/** When it is missing (1, 1..n), stands twice (0..1), or stands where it does not belong (0..n). */
	error: string,
];

const longestMs = 2_147_483_647;

/** The sentences of the documentation for values, with the attribute's name. */
export const expected =
	(what: (name: string) => string) =>
	(name: string, bad: string): string =>
		`invalid value '${bad}' for the attribute ${name} (expected ${what(name)})`;

export const oneOf = (...values: string[]) => expected(() => values.join(", "));
export const onOff = expected(() => "on or off");
export const word = expected(() => "a name without blanks and separators");
export const identifier = expected(
	() => "a name that begins with a letter or _ and has letters, digits, _ . - ( ) only",
);
export const address = expected(() => "an IP address or a host name");
export const between = (min: number, max: number) => expected(() => `a whole number between ${min} and ${max}`);
export const port = between(1, 65_535);
export const count = between(0, longestMs);
/** A time that its unit rounds to nothing. */
export const unit = (name: "h" | "m" | "s" | "ms") => expected(() => `time unit: '${name}'`);
export const form = (name: "h" | "m" | "s" | "ms") => expected(() => `a time such as 10${name}`);
export const seconds = (min: number) => expected(() => `a time between ${min}s and ${Math.floor(longestMs / 1000)}s`);
export const milliseconds = (min: number) => expected(() => `a time between ${min}ms and ${longestMs}ms`);
export const fileName = expected(() => "a file name below SAFEUSERBIN");
export const regex = (why: string) => expected(() => `a POSIX extended regular expression: ${why}`);
export const blank = (name: string): string => `the attribute ${name} is blank`;
export const unknownMacro = (_name: string, bad: string): string =>
	`${bad} is neither a macro nor an environment variable`;

/** A row, its sentence filled in. */
export function row(
	at: string,
	preset: AttributeRow[1],
	dyn: AttributeRow[2],
	accepted: readonly string[],
	bad: string,
	error: (name: string, bad: string) => string,
): AttributeRow {
	return [at, preset, dyn, accepted, bad, error(at.slice(at.indexOf("@") + 1), bad)];
}
