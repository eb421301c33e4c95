/** Brackets and quotes of a PowerShell script: which one is not closed, or closes nothing. */

interface Open {
	what: string;
	offset: number;
}

const closing: Record<string, string> = { "(": ")", "{": "}", "[": "]" };

/** The first place that surely keeps PowerShell from reading the script; null if there is none. */
export function unbalanced(text: string): { offset: number; message: string } | null {
	const open: Open[] = [];
	for (let at = 0; at < text.length; at++) {
		const c = text[at] as string;
		const top = open.at(-1)?.what;
		if (top === '"' || top === '@"') {
			at = inString(text, at, top, open);
			continue;
		}
		if (c === "`") at++;
		else if (c === "'" || text.startsWith("@'", at)) {
			const end = endOfLiteral(text, at);
			if (end < 0) return { offset: at, message: "the text that begins here is never closed" };
			at = end;
		} else if (isHereString(text, at)) {
			open.push({ what: '@"', offset: at });
			at++;
		} else if (c === '"') open.push({ what: '"', offset: at });
		else if (text.startsWith("<#", at)) {
			const end = text.indexOf("#>", at + 2);
			if (end < 0) return { offset: at, message: "the comment that begins here is never closed" };
			at = end + 1;
		} else if (c === "#" && /[\s;(){}|,]/.test(text[at - 1] ?? "\n")) at = lineEnd(text, at);
		else if (c in closing) open.push({ what: c, offset: at });
		else if (/[)}\]]/.test(c)) {
			const last = open.pop();
			if (last === undefined) return { offset: at, message: `this ${c} closes nothing` };
			if (closing[last.what] !== c) return { offset: last.offset, message: `this ${last.what} is never closed` };
		}
	}
	const last = open.at(0);
	if (last === undefined) return null;
	const what = last.what in closing ? last.what : "text";
	return { offset: last.offset, message: `this ${what} is never closed` };
}

/** One step inside a text that is expanded: `$(…)` in it is code again. Returns the place of the last character read. */
function inString(text: string, at: number, kind: string, open: Open[]): number {
	const c = text[at] as string;
	if (c === "`") return at + 1;
	if (c === "$" && text[at + 1] === "(") {
		open.push({ what: "(", offset: at + 1 });
		return at + 1;
	}
	if (kind === '@"') {
		if (c === "\n" && text.startsWith('"@', at + 1)) {
			open.pop();
			return at + 2;
		}
		return at;
	}
	if (c !== '"') return at;
	// Twice: the character itself.
	if (text[at + 1] === '"') return at + 1;
	open.pop();
	return at;
}

function isHereString(text: string, at: number): boolean {
	return text.startsWith('@"', at) && /^[ \t]*\r?\n/.test(text.slice(at + 2, at + 200));
}

/** Of `'…'`, in which a quote is written twice, or `@'…'@`; -1: there is none. */
function endOfLiteral(text: string, at: number): number {
	if (text[at] === "@") {
		const end = /\n'@/g;
		end.lastIndex = at;
		return end.exec(text) === null ? -1 : end.lastIndex - 1;
	}
	for (let end = text.indexOf("'", at + 1); end >= 0; end = text.indexOf("'", end + 2)) {
		if (text[end + 1] !== "'") return end;
	}
	return -1;
}

function lineEnd(text: string, at: number): number {
	const end = text.indexOf("\n", at);
	return end < 0 ? text.length : end;
}
