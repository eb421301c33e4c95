/** Sets of characters: `[a-z[:digit:]_]`, `.`, single ones. */

export interface CharacterSet {
	/** Code points, both ends included. */
	ranges: [from: number, to: number][];
	classes: RegExp[];
	negated: boolean;
}

const classes: Readonly<Record<string, RegExp>> = {
	alpha: /\p{L}/u,
	digit: /[0-9]/,
	alnum: /[\p{L}\p{N}]/u,
	upper: /\p{Lu}/u,
	lower: /\p{Ll}/u,
	space: /\s/,
	blank: /[ \t]/,
	punct: /[!-/:-@[-`{-~]/,
	xdigit: /[0-9A-Fa-f]/,
	cntrl: /\p{Cc}/u,
	print: /[^\p{Cc}]/u,
	graph: /[^\p{Cc}\s]/u,
};
/** Of GNU, and used as often as if they were POSIX. */
const words: Readonly<Record<string, CharacterSet>> = {
	w: { ranges: [[95, 95]], classes: [/[\p{L}\p{N}]/u], negated: false },
	W: { ranges: [[95, 95]], classes: [/[\p{L}\p{N}]/u], negated: true },
	s: { ranges: [], classes: [/\s/], negated: false },
	S: { ranges: [], classes: [/\s/], negated: true },
};

export function contains(set: CharacterSet, point: number): boolean {
	const inside =
		set.ranges.some(([from, to]) => point >= from && point <= to) ||
		(set.classes.length > 0 && set.classes.some((one) => one.test(String.fromCodePoint(point))));
	return inside !== set.negated;
}

/** What stands for itself after a backslash, or `\w` and the like; null: what means something else elsewhere, as `\d`. */
export function escapedSet(char: string): CharacterSet | null {
	const known = words[char];
	if (known !== undefined) return known;
	if (/^[0-9AbBdDfnPprtuvxZz<>`']$/.test(char)) return null;
	const point = char.codePointAt(0) as number;
	return { ranges: [[point, point]], classes: [], negated: false };
}

/** `[…]` from `start`: a `]` directly after the beginning and every backslash stand for themselves. */
export function readBracket(text: string, start: number): { set: CharacterSet; end: number } {
	const set: CharacterSet = { ranges: [], classes: [], negated: text[start + 1] === "^" };
	let at = start + (set.negated ? 2 : 1);
	for (let first = true; ; first = false) {
		if (text[at] === undefined) throw new SyntaxError(`"[" is not closed (character ${start + 1})`);
		if (text[at] === "]" && !first) return { set, end: at + 1 };
		const named = /^\[:(\w{1,10}):\]/.exec(text.slice(at, at + 16));
		if (named !== null) {
			const one = classes[named[1] as string];
			if (one === undefined) throw new SyntaxError(`unknown class ${named[0]} (character ${at + 1})`);
			set.classes.push(one);
			at += named[0].length;
			continue;
		}
		const from = element(text, at);
		// A "-" at the end is one character more, no range.
		const to = text[from.end] === "-" && (text[from.end + 1] ?? "]") !== "]" ? element(text, from.end + 1) : from;
		if (to.point < from.point) throw new SyntaxError(`a range runs backwards (character ${at + 1})`);
		set.ranges.push([from.point, to.point]);
		at = to.end;
	}
}

/** One character, also as `[.x.]` or `[=x=]`. */
function element(text: string, at: number): { point: number; end: number } {
	const collated = /^\[([.=])(.)\1\]/u.exec(text.slice(at, at + 8));
	const point = (collated === null ? text.codePointAt(at) : (collated[2] as string).codePointAt(0)) as number;
	return { point, end: at + (collated === null ? String.fromCodePoint(point).length : collated[0].length) };
}
