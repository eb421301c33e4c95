/** What cannot be applied, in words for the log, and where it says that something is not as it should be. Pure. */
import type { FileRef } from "../operation.ts";
import type { Message } from "../wire/messages.ts";

/** A directory, in the source's reference, in which something was found that should not be. */
export interface Difference {
	dir: number;
	directory: FileRef;
}

export function describe(message: Message): string {
	return message.is === "operation" ? message.operation.op : message.is;
}

/** What a failure says of the directory that the operation names: there something is that should not be. */
export function differenceOf(message: Message): Difference | null {
	if (message.is !== "operation") return null;
	const { operation, dir } = message;
	return "parent" in operation && operation.parent !== 0n ? { dir, directory: operation.parent } : null;
}
