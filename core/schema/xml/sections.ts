/** The text inside an element that holds no other elements, piece by piece, with the places of its characters. */
import { decodeReferences } from "./startTag.ts";

/** A CDATA section, or the characters between markup. */
export interface TextSection {
	/** As it is meant: references decoded. */
	text: string;
	/** Where the character at `index` of the text stands in the file. */
	at(index: number): number;
}

/** Sections that are not blank. `masked`: the file with comments blanked out; `offset`: the element's `<`. */
export function textSections(masked: string, offset: number): TextSection[] {
	const sections: TextSection[] = [];
	const open = /<(?:[^<>"']|"[^"]*"|'[^']*')*>/y;
	open.lastIndex = offset;
	if (open.exec(masked)?.[0].endsWith("/>") !== false) return [];
	let at = open.lastIndex;
	while (at < masked.length) {
		const cdata = masked.startsWith("<![CDATA[", at);
		if (!cdata && masked[at] === "<") break;
		const start = cdata ? at + 9 : at;
		const end = masked.indexOf(cdata ? "]]>" : "<", start);
		const raw = masked.slice(start, end < 0 ? masked.length : end);
		if (raw.trim() !== "") sections.push(cdata ? verbatim(raw, start) : decoded(raw, start));
		at = start + raw.length + (cdata ? 3 : 0);
	}
	return sections;
}

function verbatim(text: string, start: number): TextSection {
	return { text, at: (index) => start + index };
}

/** A reference is one character of the text and several of the file. */
function decoded(raw: string, start: number): TextSection {
	const places: number[] = [];
	let text = "";
	for (const { 0: part, index } of raw.matchAll(/&[^;]{0,32};|[^&]+|&/g)) {
		const means = decodeReferences(part, start + index);
		for (let i = 0; i < means.length; i++) places.push(start + index + (means === part ? i : 0));
		text += means;
	}
	return { text, at: (index) => places[index] ?? start + raw.length };
}
