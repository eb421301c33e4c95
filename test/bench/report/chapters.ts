/** Chapters of RESULTS.md that benchmarks with a command line of their own write; all others leave them as they are. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const beginOf = (name: string): string => `<!-- chapter ${name}: written by npm run bench -- ${name} -->`;
const endOf = (name: string): string => `<!-- end of chapter ${name} -->`;
const anyChapter = /<!-- chapter (\w+): [^\n]*-->\n[\s\S]*?<!-- end of chapter \1 -->\n?/g;

/** All chapters of the text, with their marks, one after the other. */
export function chaptersIn(text: string): string {
	return [...text.matchAll(anyChapter)].map(([chapter]) => chapter.trimEnd()).join("\n\n");
}

/** The text with this chapter in place of the one of the same name, or at the end. */
export function withChapter(text: string, name: string, chapter: string): string {
	const marked = `${beginOf(name)}\n${chapter.trim()}\n${endOf(name)}`;
	const [from, to] = [text.indexOf(beginOf(name)), text.indexOf(endOf(name))];
	if (from < 0 || to < from) return `${text.trimEnd()}\n\n${marked}\n`;
	return text.slice(0, from) + marked + text.slice(to + endOf(name).length);
}

export function writeChapter(file: string, name: string, chapter: string): void {
	const fresh = `${file}.new`;
	writeFileSync(fresh, withChapter(existsSync(file) ? readFileSync(file, "utf8") : "", name, chapter));
	renameSync(fresh, file);
}
