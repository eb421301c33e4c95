/** POSIX extended regular expressions (spec/06 §2 `notreplicated@regexpath`) as JavaScript's. */

const classes: Record<string, string> = {
	alpha: "\\p{L}",
	digit: "0-9",
	alnum: "\\p{L}\\p{N}",
	upper: "\\p{Lu}",
	lower: "\\p{Ll}",
	space: "\\s",
	blank: " \\t",
	punct: "!-\\/:-@\\[-`{-~",
	xdigit: "0-9A-Fa-f",
	cntrl: "\\x00-\\x1f\\x7f",
	print: "\\x20-\\x7e\\u00a0-\\u{10ffff}",
	graph: "\\x21-\\x7e\\u00a1-\\u{10ffff}",
};

/** The same expression, not anchored. Throws a SyntaxError when it is none. */
export function translateEre(ere: string): RegExp {
	if (ere.includes("(?")) throw new SyntaxError(`"(?" is not part of a POSIX expression: ${ere}`);
	let out = "";
	for (let at = 0; at < ere.length; ) {
		const char = ere[at] as string;
		if (char === "[") {
			const bracket = readBracket(ere, at);
			out += bracket.text;
			at = bracket.end;
		} else if (char === "\\" && at + 1 < ere.length) {
			const next = String.fromCodePoint(ere.codePointAt(at + 1) as number);
			out += /[\^$\\.*+?()[\]{}|/]/.test(next) ? `\\${next}` : next;
			at += 1 + next.length;
		} else {
			out += char === "/" ? "\\/" : isLiteralBrace(ere, at) ? `\\${char}` : char;
			at++;
		}
	}
	return new RegExp(out, "u");
}

/** A brace that does not belong to a repetition stands for itself. */
function isLiteralBrace(ere: string, at: number): boolean {
	if (ere[at] === "{") return !/^\{\d+(,\d*)?\}/.test(ere.slice(at));
	return (ere[at] === "}" && !/\{\d+(,\d*)?$/.test(ere.slice(0, at))) || ere[at] === "]";
}

/** `[…]`: a `]` directly after the start and every backslash are literal, `[:name:]` is a class. */
function readBracket(ere: string, start: number): { text: string; end: number } {
	let at = start + 1;
	let text = "[";
	if (ere[at] === "^") {
		text += "^";
		at++;
	}
	for (let first = true; ; first = false) {
		const char = ere[at];
		if (char === undefined) throw new SyntaxError(`"[" is not closed: ${ere}`);
		if (char === "]" && !first) return { text: `${text}]`, end: at + 1 };
		const named = /^\[:(\w+):\]/.exec(ere.slice(at));
		if (named !== null) {
			const set = classes[named[1] as string];
			if (set === undefined) throw new SyntaxError(`unknown class ${named[0]}: ${ere}`);
			text += set;
			at += named[0].length;
		} else {
			text += /[\\\][^/]/.test(char) ? `\\${char}` : char;
			at++;
		}
	}
}
