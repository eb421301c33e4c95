/**
 * The program of the sandbox process as plain JavaScript. That process runs without a compiler of machine code (no
 * WebAssembly either), which is safer and smaller, but cannot strip types itself.
 */
import { readFileSync } from "node:fs";
import { strip } from "./strip.ts";

export interface Program {
	/** Address of the main file. */
	main: string;
	/** Sources by address. */
	files: Record<string, string>;
	library: { driver: string; checker: string };
}

/** Reads {main, files} from its input and runs that; all that is JavaScript already is loaded as usual. */
export const starter = `
const { readFileSync } = require("node:fs");
const { main, files } = JSON.parse(readFileSync(0, "utf8"));
require("node:module").registerHooks({
	load: (url, context, next) =>
		Object.hasOwn(files, url) ? { format: "module", source: files[url], shortCircuit: true } : next(url, context),
});
import(main);
`;

export function sandboxProgram(): Program {
	const main = new URL("./process/main.ts", import.meta.url);
	const files: Record<string, string> = {};
	const add = (url: URL): void => {
		if (files[url.href] !== undefined) return;
		const code = stripped(url);
		files[url.href] = code;
		for (const [, name] of code.matchAll(/^(?:import|export)\b[^;]*?from\s+"(\.[^"]+)"/gm))
			add(new URL(name as string, url));
	};
	add(main);
	const inside = (name: string): string => stripped(new URL(`./inside/${name}.ts`, import.meta.url));
	return { main: main.href, files, library: { driver: asScript(inside("driver")), checker: inside("checker") } };
}

function stripped(url: URL): string {
	return strip(readFileSync(url, "utf8"));
}

/** A module as an expression: unlike a module it is compiled once for all contexts of an isolate. */
function asScript(code: string): string {
	const names = [...code.matchAll(/^export function (\w+)/gm)].map(([, name]) => name);
	return `(() => { "use strict"; ${code.replace(/^export (?=function )/gm, "")}\nreturn { ${names.join(", ")} }; })()`;
}
