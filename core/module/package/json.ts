/**
 * Reads small JSON files that people write, with the place of everything in them: `JSON.parse` names no place for short
 * texts, and of a key that stands twice it silently keeps the last. Pure.
 */

export interface JsonPlace {
	/** From 1. */
	line: number;
	column: number;
}

/** Syntax that is no JSON. */
export class JsonError extends Error {
	readonly place: JsonPlace;

	constructor(message: string, place: JsonPlace) {
		super(message);
		this.place = place;
	}
}

export interface LocatedJson {
	value: unknown;
	/** Place of a value, by its path (`["permissions", "net", 0]`), or of what is nearest around it. */
	placeOf(path: readonly PropertyKey[]): JsonPlace;
	/** Place of the key of a value. */
	placeOfKey(path: readonly PropertyKey[]): JsonPlace;
}

const maxDepth = 16;
const blanks = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON wants them escaped
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** @throws JsonError at the first place that is no JSON, that repeats a key, or that is nested deeper than 16 levels. */
export function readJson(text: string): LocatedJson {
	const reader = new Reader(text);
	const value = reader.document();
	const find = (places: Map<string, number>, path: readonly PropertyKey[]): JsonPlace => {
		for (let length = path.length; length >= 0; length--) {
			const at = places.get(nameOf(path.slice(0, length)));
			if (at !== undefined) return placeAt(text, at);
		}
		return { line: 1, column: 1 };
	};
	return {
		value,
		placeOf: (path) => find(reader.values, path),
		placeOfKey: (path) => (reader.keys.has(nameOf(path)) ? find(reader.keys, path) : find(reader.values, path)),
	};
}

function nameOf(path: readonly PropertyKey[]): string {
	return JSON.stringify(path.map(String));
}

function placeAt(text: string, offset: number): JsonPlace {
	const before = text.slice(0, offset);
	const start = before.lastIndexOf("\n") + 1;
	return { line: before.split("\n").length, column: offset - start + 1 };
}

class Reader {
	readonly values = new Map<string, number>();
	readonly keys = new Map<string, number>();
	readonly #text: string;
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	document(): unknown {
		const value = this.#value([]);
		if (this.#at < this.#text.length) this.#fail("the end of the file");
		return value;
	}

	#value(path: PropertyKey[]): unknown {
		this.#take(blanks);
		this.values.set(nameOf(path), this.#at);
		if (path.length > maxDepth) this.#fail(`at most ${maxDepth} levels`);
		const value = this.#is("{") ? this.#object(path) : this.#is("[") ? this.#array(path) : this.#plain();
		this.#take(blanks);
		return value;
	}

	#object(path: PropertyKey[]): unknown {
		const entries = new Map<string, unknown>();
		this.#list("}", () => {
			this.#take(blanks);
			const at = this.#at;
			const written = this.#take(string) ?? this.#fail("a key in double quotes");
			const key = JSON.parse(written) as string;
			if (entries.has(key)) this.#fail(`the key ${written} only once`, at);
			this.keys.set(nameOf([...path, key]), at);
			this.#take(blanks);
			if (!this.#is(":")) this.#fail('":"');
			entries.set(key, this.#value([...path, key]));
		});
		return Object.fromEntries(entries);
	}

	#array(path: PropertyKey[]): unknown {
		const values: unknown[] = [];
		this.#list("]", () => void values.push(this.#value([...path, values.length])));
		return values;
	}

	/** What stands between brackets, the first of which was taken. */
	#list(end: string, one: () => void): void {
		this.#take(blanks);
		if (this.#is(end)) return;
		do one();
		while (this.#is(","));
		if (!this.#is(end)) this.#fail(`"," or "${end}"`);
	}

	#plain(): unknown {
		const written = this.#take(string) ?? this.#take(scalar) ?? this.#fail("a value");
		return JSON.parse(written);
	}

	#is(sign: string): boolean {
		if (this.#text[this.#at] !== sign) return false;
		this.#at++;
		return true;
	}

	#take(pattern: RegExp): string | null {
		pattern.lastIndex = this.#at;
		const [found] = pattern.exec(this.#text) ?? [null];
		if (found !== null) this.#at += found.length;
		return found;
	}

	#fail(expected: string, at = this.#at): never {
		const found = at >= this.#text.length ? "the end of the file" : JSON.stringify(this.#text.slice(at, at + 20));
		throw new JsonError(`expected ${expected}, found ${found}`, placeAt(this.#text, at));
	}
}
