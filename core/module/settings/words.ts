/** Words of an attribute such as `arg`, separated by blanks; quotes keep a word with blanks together. */
export function wordsOf(text: string): string[] {
	return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}
