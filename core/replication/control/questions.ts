/**
 * What a daemon asks a replication process on behalf of a person, beside the orders of the engine: the automaton takes
 * no part in it. Each question has a number that comes back with its answer.
 */
import { SafekitError } from "../../errors.ts";
import type { Declaration } from "../records/declared.ts";
import type { Context, Tuning } from "./context.ts";

export type Question =
	/** Where the quarantine lies, which the mounts hide: descriptors of this process, one a replicated directory. */
	| { ask: "folders" }
	/** `rfssync external`: from here on both copies are what the declaration says (records/declared.ts). */
	| { ask: "declare"; declaration: Declaration }
	/** `rfssync full`: the next session compares everything. */
	| { ask: "everything" }
	/** A configuration was applied while the module runs. The link's timeout counts from the next connection on. */
	| ({ ask: "tune" } & Tuning)
	/** `secondforce -d`: as a target, until the next session is complete. */
	| { ask: "since"; sinceMs: number | null };

export interface Folder {
	dir: string;
	/** To be opened by others as `/proc/<pid>/fd/<n>`. */
	fd: number;
}

/** The answer to each question. */
export interface Answers {
	folders: Folder[];
	declare: Record<never, never>;
	everything: Record<never, never>;
	since: Record<never, never>;
	tune: Record<never, never>;
}

/** Daemon → process. */
export type Asked = Question & { request: number };

/** Process → daemon. */
export type Answer =
	| { answer: number; value: Answers[keyof Answers] }
	| { answer: number; refused: { code: string; message: string } };

const longestMs = 86_400_000;
const questions: readonly Question["ask"][] = ["folders", "declare", "everything", "since", "tune"];

/** A question from the socket, or null when it is none. */
export function asQuestion(value: unknown): Asked | null {
	if (typeof value !== "object" || value === null) return null;
	const { ask, request } = value as { ask?: unknown; request?: unknown };
	if (!questions.includes(ask as Question["ask"]) || !Number.isSafeInteger(request)) return null;
	return value as Asked;
}

/** Answers a question in the data thread. @throws SafekitError when it cannot be answered now. */
export function answerTo(
	context: Context,
	question: Question,
	declare: (declaration: Declaration) => void,
): Answers[keyof Answers] {
	switch (question.ask) {
		case "folders":
			return context.volumes.map(({ tree }) => ({ dir: tree.path, fd: tree.folderFd.quarantine }));
		case "declare":
			declare(question.declaration);
			return {};
		case "everything":
			for (const { marks } of context.volumes) marks.setEverything();
			return {};
		case "since":
			context.wishes.sinceMs = trusted(context, question.sinceMs);
			return {};
		case "tune":
			context.tune(checked(question));
			return {};
		default:
			throw new SafekitError("INTERNAL", `a question that nobody answers: ${JSON.stringify(question)}`);
	}
}

/** @throws SafekitError REPLICATION_ORDER where a value is none. */
function checked({ async, resyncLanes, resyncTimeoutMs, resyncDetail, linkTimeoutMs }: Tuning): Tuning {
	const within = (value: unknown, most: number): boolean =>
		Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most;
	const known = (async === "second" || async === "none") && typeof resyncDetail === "boolean";
	const times = within(linkTimeoutMs, longestMs) && within(resyncTimeoutMs, longestMs);
	if (known && times && within(resyncLanes, 1000))
		return { async, resyncLanes, resyncTimeoutMs, resyncDetail, linkTimeoutMs };
	throw new SafekitError("REPLICATION_ORDER", "a configuration that is none");
}

/** @throws SafekitError RFS_SYNC where files may look right and be half copied. */
function trusted({ records }: Context, sinceMs: number | null): number | null {
	if (sinceMs === null) return null;
	if (!Number.isSafeInteger(sinceMs) || sinceMs <= 0)
		throw new SafekitError("REPLICATION_ORDER", "a date that is none");
	if (!records.now.copying) return sinceMs;
	const message = "The last synchronization was interrupted half way: all files are compared, whatever their date.";
	throw new SafekitError("RFS_SYNC", message);
}
