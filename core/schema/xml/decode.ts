/** From bytes to text: UTF-8, UTF-16 by its mark, or the encoding that the XML declaration names. */

/** `before`: the text up to the first character that cannot be read. */
export type Decoded = { text: string } | { message: string; before: string };

/** The text with LF line ends and without BOM, or why there is none. */
export function decodeBytes(bytes: Uint8Array): Decoded {
	const encoding = markedEncoding(bytes) ?? declaredEncoding(bytes) ?? "utf-8";
	let whole: string;
	try {
		whole = new TextDecoder(encoding, { fatal: true }).decode(bytes);
	} catch (error) {
		if (error instanceof RangeError) return { message: `the encoding ${encoding} is not known`, before: "" };
		return { message: `this is no ${encoding.toUpperCase()}`, before: readablePart(bytes, encoding) };
	}
	const text = lineEnds(whole);
	const nul = text.indexOf("\0");
	return nul < 0 ? { text } : { message: "the file holds a NUL character", before: text.slice(0, nul) };
}

function lineEnds(text: string): string {
	return text.replace(/\r\n?/g, "\n");
}

function markedEncoding(bytes: Uint8Array): string | undefined {
	if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
	return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : undefined;
}

function declaredEncoding(bytes: Uint8Array): string | undefined {
	const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
	return /^(?:\u00ef\u00bb\u00bf)?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,32})["']/.exec(head)?.[1];
}

/** All up to the first byte that is wrong: the longest beginning that decodes, a character cut in two at its end aside. */
function readablePart(bytes: Uint8Array, encoding: string): string {
	const decode = (length: number): string | undefined => {
		try {
			return new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
		} catch {
			return undefined;
		}
	};
	let good = 0;
	let bad = bytes.length + 1;
	while (bad - good > 1) {
		const middle = (good + bad) >> 1;
		if (decode(middle) === undefined) bad = middle;
		else good = middle;
	}
	return lineEnds(decode(good) ?? "");
}
