/** Errors of `module create` and `module try`. */
import type { ErrorKind } from "./kind.ts";

export const createErrors = {
	CREATE_EXISTS: { exit: "unsafe", remedy: "Choose another name, or remove it." },
	CREATE_FOLDER: { exit: "failed", remedy: "Run the command in a folder that exists and has space." },
	CREATE_LEFT: { exit: "failed", remedy: "Run the command again; `safekit module create --help` shows the options." },

	TRY_WINDOWS: { exit: "failed", remedy: "Try it on a Windows server; `safekit module check` reads its scripts here." },
	TRY_FAILED: { exit: "failed", remedy: "Correct what the module's log and its scripts say, and try again." },
} as const satisfies Record<string, ErrorKind>;
