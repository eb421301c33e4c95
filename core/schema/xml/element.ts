/** An XML file as the schema reads it: elements and attributes with their places. */
import type { TextSection } from "./sections.ts";

export interface XmlAttribute {
	name: string;
	/** References decoded, white space normalised. */
	value: string;
	/** Where the name stands in the text. */
	offset: number;
}

export interface XmlElement {
	name: string;
	attributes: XmlAttribute[];
	children: XmlElement[];
	/** Text and CDATA directly inside, in order, without blanks around. */
	text: string;
	/** The same in pieces that know their places, of elements without children. */
	sections: TextSection[];
	/** Where `<name` stands in the text. */
	offset: number;
}

/** Finds line and column (from 1) of an offset. */
export class LineIndex {
	readonly #starts: number[] = [0];

	constructor(text: string) {
		for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
	}

	at(offset: number): { line: number; column: number } {
		let low = 0;
		let high = this.#starts.length - 1;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if ((this.#starts[middle] ?? 0) <= offset) low = middle;
			else high = middle - 1;
		}
		return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
	}
}
