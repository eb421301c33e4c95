/** How a decision says no to a command. */
import { type ErrorCode, errors } from "../errors.ts";

/** Why a command is not carried out, and what a person can do. `code` is one of the registry of errors. */
export interface Refusal {
	code: ErrorCode;
	message: string;
	remedy: string;
}

/**
 * A refusal with the registered remedy.
 *
 * @example
 * ctx.answer(event.request, refusal("MODULE_BUSY", "The module still starts"));
 */
export function refusal(code: ErrorCode, message: string): Refusal {
	return { code, message, remedy: errors[code].remedy };
}
