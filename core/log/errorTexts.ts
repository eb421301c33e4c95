/** Errors and problems as a person, or a program, reads them. */
import { asSafekitError, type Place, type Problem } from "../errors.ts";

/** The shape of an error with `--json` (interfaces.md). */
export function errorAsJson(error: unknown): {
	error: { code: string; message: string; remedy: string; at?: Place; problems?: readonly Problem[] };
} {
	const known = asSafekitError(error);
	return {
		error: {
			code: known.code,
			message: known.message,
			remedy: known.remedy,
			...(known.place === undefined ? {} : { at: known.place }),
			...(known.problems.length === 0 ? {} : { problems: known.problems }),
		},
	};
}

/** What a person reads on stderr: the place, the message, then the remedy on a line of its own. */
export function errorAsText(error: unknown): string {
	const known = asSafekitError(error);
	if (known.problems.length > 0) return known.problems.map(problemAsText).join("");
	return `Error: ${placeAsText(known.place)}${known.message}\n${known.remedy}\n`;
}

/**
 * A problem as a person reads it. The message begins its line (spec/02 §0.1 fixes `Error: invalid value '500ms' for
 * the attribute …`); the place and the remedy follow, indented.
 */
export function problemAsText(problem: Problem): string {
	const where = placeAsText(problem).slice(0, -2);
	const thing =
		problem.element === undefined ? "" : `<${[problem.element, problem.attribute].filter(Boolean).join(" ")}>`;
	const at = [where, thing].filter(Boolean).join(" ");
	const kind = problem.severity === "error" ? "Error" : "Warning";
	return `${kind}: ${problem.message}\n${at === "" ? "" : `  at ${at}\n`}  ${problem.remedy}\n`;
}

/** `file:line:column: ` as editors and compilers print it; empty when nothing is known. */
export function placeAsText(place: Place | undefined): string {
	if (place?.file === undefined) return "";
	const numbers = [place.line, place.column].filter((n) => n !== undefined);
	return `${[place.file, ...numbers].join(":")}: `;
}
