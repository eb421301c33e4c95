/**
 * Takes out of an XML text what is neither element nor character data: comments, processing instructions and the
 * DOCTYPE become blanks of the same length, so that every offset stays true and no parser ever acts on them.
 */
import { XmlFault } from "./startTag.ts";

/** Throws XmlFault for what does not end, for declarations in the wrong place, and for a DOCTYPE that declares entities. */
export function maskMarkup(text: string): string {
	const pieces: string[] = [];
	let kept = 0;
	let rootSeen = false;
	let doctypeSeen = false;
	let at = text.indexOf("<");
	while (at >= 0) {
		let end: number;
		let mask = true;
		if (text.startsWith("<!--", at)) end = endOf(text, "-->", at, 4, "the comment");
		else if (text.startsWith("<![CDATA[", at)) {
			end = endOf(text, "]]>", at, 9, "the CDATA section");
			mask = false;
		} else if (text.startsWith("<?", at)) {
			if (/^<\?xml[\s?]/i.test(text.slice(at, at + 6)) && at > 0) {
				throw new XmlFault("the XML declaration stands only at the very beginning", at);
			}
			end = endOf(text, "?>", at, 2, "the processing instruction");
		} else if (text.startsWith("<!DOCTYPE", at)) {
			if (rootSeen || doctypeSeen) throw new XmlFault("a DOCTYPE stands once, before the first element", at);
			doctypeSeen = true;
			end = endOfDoctype(text, at);
		} else if (text[at + 1] === "!") throw new XmlFault("this declaration is not expected here", at);
		else {
			rootSeen = true;
			end = endOfTag(text, at);
			mask = false;
		}
		if (mask) {
			pieces.push(text.slice(kept, at), text.slice(at, end).replace(/[^\n]/g, " "));
			kept = end;
		}
		at = text.indexOf("<", end);
	}
	pieces.push(text.slice(kept));
	return pieces.join("");
}

function endOf(text: string, closing: string, from: number, opening: number, what: string): number {
	const end = text.indexOf(closing, from + opening);
	if (end < 0) throw new XmlFault(`${what} does not end`, from);
	return end + closing.length;
}

/** After the `>` that is in no quotes. */
function endOfTag(text: string, from: number): number {
	const mark = /[>"']/g;
	mark.lastIndex = from + 1;
	for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
		if (match[0] === ">") return match.index + 1;
		const quote = text.indexOf(match[0], match.index + 1);
		if (quote < 0) throw new XmlFault("a quote is not closed in this tag", match.index);
		mark.lastIndex = quote + 1;
	}
	throw new XmlFault("the tag does not end", from);
}

function endOfDoctype(text: string, from: number): number {
	const mark = /[[\]>"']|<!ENTITY|<!--/g;
	mark.lastIndex = from + 1;
	let inside = false;
	for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
		const found = match[0];
		if (found === "<!ENTITY") throw new XmlFault("the DOCTYPE declares an entity", match.index, found);
		if (found === "[" || found === "]") inside = found === "[";
		else if (found === ">") {
			if (!inside) return match.index + 1;
		} else {
			const closing = found === "<!--" ? "-->" : found;
			mark.lastIndex = endOf(text, closing, match.index, found.length, "the DOCTYPE");
		}
	}
	throw new XmlFault("the DOCTYPE does not end", from);
}
