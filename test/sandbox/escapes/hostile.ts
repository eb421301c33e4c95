/** A checker that means harm, and what becomes of it. */
import type { Permissions } from "../../../core/sandbox/permissions.ts";

export interface Hostile {
	/** What it tries, as the title of its test. */
	tries: string;
	/** Body of the checker's function, or whole files, the first of which exports it. */
	does: string | Record<string, string>;
	/** First argument of `checker(…)`. */
	times?: string;
	permissions?: Partial<Permissions>;
	/** The reason with which its resource is down. */
	reason: RegExp;
}
