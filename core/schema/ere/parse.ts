/** POSIX extended regular expressions as a tree. What is wrong is told with its place. */
import { type CharacterSet, escapedSet, readBracket } from "./sets.ts";

export type Node =
	| { is: "set"; set: CharacterSet }
	| { is: "begin" }
	| { is: "end" }
	| { is: "sequence"; parts: Node[] }
	| { is: "either"; branches: Node[] }
	/** `max` null: any number. */
	| { is: "repeat"; part: Node; min: number; max: number | null };

const [longest, deepest, mostRepeats] = [1024, 50, 255];
const any: CharacterSet = { ranges: [], classes: [], negated: true };

/** Throws a SyntaxError with a sentence. */
export function parseEre(text: string): Node {
	if (text.length > longest) throw new SyntaxError(`an expression has at most ${longest} characters`);
	const reader = new Reader(text);
	return reader.alternatives(0);
}

class Reader {
	readonly #text: string;
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	alternatives(depth: number): Node {
		if (depth > deepest) throw this.#wrong(`parentheses stand ${deepest} deep at most`);
		const branches = [this.#branch(depth)];
		while (this.#text[this.#at] === "|") {
			this.#at++;
			branches.push(this.#branch(depth));
		}
		return branches.length === 1 ? (branches[0] as Node) : { is: "either", branches };
	}

	#branch(depth: number): Node {
		const parts: Node[] = [];
		for (;;) {
			const char = this.#text[this.#at];
			// A ")" without its "(" stands for itself.
			if (char === undefined || char === "|" || (char === ")" && depth > 0)) return { is: "sequence", parts };
			parts.push(this.#repeated(this.#atom(char, depth)));
		}
	}

	#atom(char: string, depth: number): Node {
		if (char === "(") return this.#group(depth);
		if (char === "[") {
			const { set, end } = readBracket(this.#text, this.#at);
			this.#at = end;
			return { is: "set", set };
		}
		if (char === "\\") return this.#escaped();
		// Written by who thinks of `*.tmp`; programs differ in what they take it for.
		if (/[*+?]/.test(char)) throw this.#wrong(`"${char}" has nothing to repeat`);
		const point = this.#text.codePointAt(this.#at) as number;
		this.#at += String.fromCodePoint(point).length;
		if (char === ".") return { is: "set", set: any };
		if (char === "^") return { is: "begin" };
		if (char === "$") return { is: "end" };
		return { is: "set", set: { ranges: [[point, point]], classes: [], negated: false } };
	}

	#group(depth: number): Node {
		const from = this.#at;
		if (this.#text.startsWith("(?", from)) throw this.#wrong('"(?" is not part of a POSIX expression');
		this.#at++;
		const inner = this.alternatives(depth + 1);
		if (this.#text[this.#at] !== ")") throw this.#wrong('"(" is not closed', from);
		this.#at++;
		return inner;
	}

	#escaped(): Node {
		const point = this.#text.codePointAt(this.#at + 1);
		if (point === undefined) throw this.#wrong('a "\\" at the end stands for nothing');
		const char = String.fromCodePoint(point);
		const set = escapedSet(char);
		if (set === null) throw this.#wrong(`"\\${char}" is not part of a POSIX expression`);
		this.#at += 1 + char.length;
		return { is: "set", set };
	}

	#repeated(atom: Node): Node {
		let node = atom;
		for (;;) {
			const bounds = this.#bounds();
			if (bounds === null) return node;
			node = { is: "repeat", part: node, ...bounds };
		}
	}

	#bounds(): { min: number; max: number | null } | null {
		const rest = this.#text.slice(this.#at, this.#at + 16);
		const simple = { "*": { min: 0, max: null }, "+": { min: 1, max: null }, "?": { min: 0, max: 1 } }[rest[0] ?? ""];
		if (simple !== undefined) {
			this.#at++;
			return simple;
		}
		// A brace that begins no interval stands for itself.
		const interval = /^\{(\d{1,6})(,(\d{1,6})?)?\}/.exec(rest);
		if (interval === null) return null;
		const min = Number(interval[1]);
		const max = interval[2] === undefined ? min : interval[3] === undefined ? null : Number(interval[3]);
		if (Math.max(min, max ?? 0) > mostRepeats) throw this.#wrong(`an interval repeats at most ${mostRepeats} times`);
		if (max !== null && max < min) throw this.#wrong(`the interval ${interval[0]} is empty`);
		this.#at += interval[0].length;
		return { min, max };
	}

	#wrong(message: string, at = this.#at): SyntaxError {
		return new SyntaxError(`${message} (character ${at + 1})`);
	}
}
