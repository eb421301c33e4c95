/** What `module check` finds in the scripts and checkers of a module. Errors are what surely fails, and wrong types. */
import type { ErrorKind } from "./kind.ts";

export const lintErrors = {
	LINT_SYNTAX: { exit: "invalid", remedy: "Correct the script at this place: its interpreter cannot read it." },
	LINT_SHELL: { exit: "invalid", remedy: "Correct the script at this place." },
	LINT_TYPE: { exit: "invalid", remedy: "Correct the checker at this place." },
	LINT_CMD_EXIT: {
		exit: "invalid",
		remedy: "End the script with `exit /b 0`, and leave it with `exit /b 1` where something failed.",
	},
	LINT_CMD_EXIT_CALLER: { exit: "invalid", remedy: "Write `exit /b` and the number: it ends this file only." },
	LINT_CMD_FALL: { exit: "invalid", remedy: "Put `exit /b 0` before the label." },
	LINT_CMD_QUOTES: {
		exit: "invalid",
		remedy: 'Put the whole path into quotes, as in "%SAFE%\\safekit": the folder may have blanks in its name.',
	},
	LINT_CMD_LANGUAGE: {
		exit: "invalid",
		remedy: 'Ask for the state, which is the same in every language: `sc query NAME | find "RUNNING"`.',
	},
	LINT_CMD_LABEL: { exit: "invalid", remedy: "Add the label, or correct its name." },
	LINT_CMD_SET: { exit: "invalid", remedy: 'Write it without blanks around `=`: `set "NAME=value"`.' },
	LINT_CMD_DELAYED: {
		exit: "invalid",
		remedy: "Write `setlocal EnableDelayedExpansion` at the top of the script, and !NAME! here.",
	},
	LINT_CMD_PAREN: {
		exit: "invalid",
		remedy: "Open and close each block once; inside a block a parenthesis in a text is written ^( or ^).",
	},
	LINT_CMD_LINES: { exit: "invalid", remedy: "Save the script with CRLF line ends: `unix2dos FILE`." },
	LINT_CMD_CALL: { exit: "invalid", remedy: "Write `call` before it." },
	LINT_MACRO_UNUSED: { exit: "invalid", remedy: "Remove the macro, or use it where its value belongs." },
	LINT_MACRO_SCRIPT: {
		exit: "invalid",
		remedy: 'Hand it to the scripts: <var name="NAME" value="%NAME%"/> in <user>.',
	},
	LINT_SERVICE: {
		exit: "invalid",
		remedy: "Stop it in the matching stop script: after a failover it would run on both servers.",
	},
} as const satisfies Record<string, ErrorKind>;
