/** TypeScript to JavaScript, every character in its place. */
import { stripTypeScriptTypes } from "node:module";

/** @throws SyntaxError when the text is no TypeScript whose types can be erased. */
export function strip(text: string): string {
	const { emitWarning } = process;
	// Node says once in each process that this may change; the project pins its Node.
	process.emitWarning = () => undefined;
	try {
		return stripTypeScriptTypes(text);
	} finally {
		process.emitWarning = emitWarning;
	}
}
