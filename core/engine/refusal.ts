/** How a decision says no to a command. */
import { type ErrorCode, errors } from "../errors.ts";

export interface Refusal {
	code: ErrorCode;
	message: string;
	remedy: string;
}

/** A refusal with the registered remedy. */
export function refusal(code: ErrorCode, message: string): Refusal {
	return { code, message, remedy: errors[code].remedy };
}
