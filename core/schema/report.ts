/** Gathers everything that is wrong with one file, so that a person learns of all of it at once. */
import { type ErrorCode, errors, type Problem } from "../errors.ts";
import type { LineIndex, XmlElement } from "./xml/element.ts";

/** More than this helps nobody. */
const maxProblems = 100;
/** Nor does a longer name or value. */
const maxShown = 300;

export interface ProblemDetails {
	severity?: Problem["severity"];
	attribute?: string;
	found?: string;
	expected?: string;
	remedy?: string;
	/** Where in the file it is, if not at the element or attribute. */
	offset?: number;
}

export class Report {
	readonly problems: Problem[] = [];
	readonly #file: string;
	readonly #lines: LineIndex;

	constructor(file: string, lines: LineIndex) {
		this.#file = file;
		this.#lines = lines;
	}

	/** Line and column, from 1, of a place in the file. */
	place(offset: number): { line: number; column: number } {
		return this.#lines.at(offset);
	}

	/** A problem of `element`, placed at the attribute if it names one that is written. */
	add(code: ErrorCode, message: string, element: XmlElement, details: ProblemDetails = {}): void {
		if (this.problems.length >= maxProblems) return;
		const written = element.attributes.find((attribute) => attribute.name === details.attribute);
		const place = this.#lines.at(details.offset ?? written?.offset ?? element.offset);
		if (this.problems.some((known) => isSame(known, code, place, details))) return;
		this.problems.push({
			code,
			severity: details.severity ?? "error",
			message: message.slice(0, maxShown),
			file: this.#file,
			...place,
			element: element.name.slice(0, maxShown),
			...(details.attribute === undefined ? {} : { attribute: details.attribute.slice(0, maxShown) }),
			...(details.found === undefined ? {} : { found: details.found.slice(0, maxShown) }),
			...(details.expected === undefined ? {} : { expected: details.expected }),
			remedy: details.remedy ?? errors[code].remedy,
		});
	}
}

/** What the declarations and the settings both find is said once. */
function isSame(
	known: Problem,
	code: ErrorCode,
	{ line, column }: { line: number; column: number },
	details: ProblemDetails,
): boolean {
	const { attribute, expected } = details;
	return (
		known.code === code &&
		known.line === line &&
		known.column === column &&
		known.attribute === attribute &&
		known.expected === expected
	);
}
