/** Whether tags open and close as they must, with exact places: those of the library are not. */
import { readStartTag, XmlFault } from "./startTag.ts";

/** Throws XmlFault for the first tag of a text without comments that is none, or stands where none may. */
export function checkNesting(text: string): void {
	const open: { name: string; at: number }[] = [];
	let roots = 0;
	for (let at = text.indexOf("<"); at >= 0; ) {
		let end: number;
		if (text.startsWith("<![CDATA[", at)) end = text.indexOf("]]>", at) + 3;
		else if (text[at + 1] === "/") end = close(text, at, open.pop());
		else {
			if (open.length === 0 && ++roots > 1) throw new XmlFault("the file has two root elements", at);
			const tag = readStartTag(text, at);
			if (!tag.empty) open.push({ name: tag.name, at });
			end = tag.end;
		}
		at = end < at ? -1 : text.indexOf("<", end);
	}
	const last = open.at(-1);
	if (last !== undefined) throw new XmlFault(`<${last.name}> is not closed`, last.at);
}

/** After an end tag, which must be that of the element opened last. */
function close(text: string, at: number, open: { name: string } | undefined): number {
	const match = /^<\/([^\s<>/]{1,255})[ \t\n\r]*>/.exec(text.slice(at, at + 512));
	if (match === null) throw new XmlFault("this is no end tag", at);
	if (open === undefined) throw new XmlFault(`</${match[1]}> closes nothing`, at);
	if (open.name !== match[1]) throw new XmlFault(`</${match[1]}> stands where </${open.name}> is expected`, at);
	return at + match[0].length;
}
