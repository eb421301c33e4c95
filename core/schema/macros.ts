/** `%NAME%` in attribute values: the macro of that name, else the environment variable (spec/02 §0). */

/** A macro may use earlier ones; this bounds what a few lines can grow to. */
const maxExpandedLength = 65_536;
/** And all values of a file together. */
const maxTotalLength = 4 * 1024 * 1024;

export type Expanded = { text: string } | { unknown: string } | { tooLong: true };

export class Macros {
	readonly #values = new Map<string, string>();
	readonly #environment: Readonly<Record<string, string | undefined>>;
	#totalLength = 0;

	constructor(environment: Readonly<Record<string, string | undefined>>) {
		this.#environment = environment;
	}

	/** Defines `name` for the rest of the file; false if it was defined before. */
	define(name: string, value: string): boolean {
		const isNew = !this.#values.has(name);
		this.#values.set(name, value);
		return isNew;
	}

	/** Replaces every `%NAME%` once; what a macro's value holds is not looked at again. */
	expand(text: string): Expanded {
		let unknown: string | undefined;
		let length = text.length;
		const expanded = text.replace(/%([A-Za-z_][A-Za-z0-9_.()-]{0,127})%/g, (whole, name: string) => {
			const value = this.#values.get(name) ?? this.#environment[name];
			if (value === undefined) unknown ??= name;
			length += value?.length ?? 0;
			return length > maxExpandedLength ? "" : (value ?? whole);
		});
		if (unknown !== undefined) return { unknown };
		this.#totalLength += expanded.length;
		return length > maxExpandedLength || this.#totalLength > maxTotalLength ? { tooLong: true } : { text: expanded };
	}
}
