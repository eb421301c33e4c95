/** Errors of TypeScript checkers: their files, and what they import. */
import type { ErrorKind } from "./kind.ts";

export const checkerErrors = {
	CHECKER_FILE: {
		exit: "invalid",
		remedy: "Put the file below bin/ of the package, as an ordinary file ending in .ts.",
	},
	CHECKER_IMPORT: {
		exit: "invalid",
		remedy:
			'A checker imports from "opensafe" and from files of its own package ("./lib.ts") only: what it needs of the server it reaches through ctx; copy other code into the package.',
	},
	CHECKER_SYNTAX: {
		exit: "invalid",
		remedy: "Correct the file as the message says; types are erased, nothing is compiled.",
	},
	CHECKER_TOO_BIG: {
		exit: "invalid",
		remedy: "Split the checker: 64 files and 512 KiB with all imports are the limits.",
	},
	CHECKER_TOO_MANY: {
		exit: "failed",
		remedy: "Run fewer TypeScript checkers on this server, or let one test several things.",
	},
} as const satisfies Record<string, ErrorKind>;
