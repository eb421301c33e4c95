/**
 * What a daemon asks a replication process on behalf of a person, beside the orders of the engine: the automaton takes
 * no part in it. Each question has a number that comes back with its answer.
 */
import { SafekitError } from "../../errors.ts";
import type { Context } from "./context.ts";

export type Question =
	/** Where the quarantine lies, which the mounts hide: descriptors of this process, one a replicated directory. */
	{ ask: "folders" };

export interface Folder {
	dir: string;
	/** To be opened by others as `/proc/<pid>/fd/<n>`. */
	fd: number;
}

/** The answer to each question. */
export interface Answers {
	folders: Folder[];
}

/** Daemon → process. */
export type Asked = Question & { request: number };

/** Process → daemon. */
export type Answer =
	| { answer: number; value: Answers[keyof Answers] }
	| { answer: number; refused: { code: string; message: string } };

const questions: readonly Question["ask"][] = ["folders"];

/** A question from the socket, or null when it is none. */
export function asQuestion(value: unknown): Asked | null {
	if (typeof value !== "object" || value === null) return null;
	const { ask, request } = value as { ask?: unknown; request?: unknown };
	if (!questions.includes(ask as Question["ask"]) || !Number.isSafeInteger(request)) return null;
	return value as Asked;
}

/** Answers a question in the data thread. @throws SafekitError when it cannot be answered now. */
export function answerTo(context: Context, question: Question): Answers[keyof Answers] {
	switch (question.ask) {
		case "folders":
			return context.volumes.map(({ tree }) => ({ dir: tree.path, fd: tree.folderFd.quarantine }));
		default:
			throw new SafekitError("INTERNAL", `a question that nobody answers: ${JSON.stringify(question)}`);
	}
}
