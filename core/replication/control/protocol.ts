/** JSON lines of the control socket, between the daemon and the replication process of a module. */

import type { LogLevel } from "../../engine/contract.ts";
import type { ReplicationFact, ReplicationOrder, ResyncProgress } from "../../engine/replication.ts";
import type { Answer, Asked } from "./questions.ts";

/** Daemon → process. */
export type ToProcess = ReplicationOrder | Asked;

/** Process → daemon. */
export type FromProcess =
	/** First line of a connection. */
	| { hello: { module: string; pid: number } }
	| ReplicationFact
	| Answer
	| { progress: ResyncProgress | null }
	| { log: { level: LogLevel; origin: string; text: string } };

/** A thousand paths are the longest that is said. */
const maxLine = 8 * 1024 * 1024;
const orders: ReplicationOrder["order"][] = [
	"open",
	"session",
	"serve",
	"sync",
	"goAlone",
	"promote",
	"fail",
	"seal",
	"close",
	"verify",
	"estimate",
];

/** Cuts what arrives into lines; `null` when a line is longer than 8 MiB or is not JSON. */
export class Lines {
	#rest = "";

	push(chunk: string): unknown[] | null {
		const parts = (this.#rest + chunk).split("\n");
		this.#rest = parts.pop() ?? "";
		if (this.#rest.length > maxLine) return null;
		try {
			return parts.filter((line) => line !== "").map((line) => JSON.parse(line) as unknown);
		} catch {
			return null;
		}
	}
}

/** An order from the socket, or null when it is none. */
export function asOrder(value: unknown): ReplicationOrder | null {
	if (typeof value !== "object" || value === null) return null;
	const { order, term } = value as { order?: unknown; term?: unknown };
	if (!orders.includes(order as ReplicationOrder["order"])) return null;
	const needsTerm = order === "session" || order === "serve" || order === "goAlone";
	if (needsTerm && !(Number.isSafeInteger(term) && (term as number) > 0)) return null;
	return value as ReplicationOrder;
}
