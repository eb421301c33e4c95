/** Times in the syntax of crontab (spec/06 §2, syncat), in the time zone of this server. */
import { Cron } from "croner";

/** What is wrong with a schedule, in words; null: nothing. */
export function scheduleProblem(pattern: string): string | null {
	if (!/^\S+(\s+\S+){4}$/.test(pattern)) return "it does not have five fields";
	try {
		return nextTime(pattern, new Date(0)) === null ? "it never comes" : null;
	} catch (error) {
		return error instanceof Error ? error.message.replace(/^Cron\w*: /, "") : String(error);
	}
}

/** The first time after `from`; null: there is none. @throws Error when the pattern is none. */
export function nextTime(pattern: string, from: Date): Date | null {
	return new Cron(pattern, { mode: "5-part" }).nextRun(from);
}
