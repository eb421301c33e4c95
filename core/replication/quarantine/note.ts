/** `<epoch>.note` beside a quarantine: when, why and against whom it was filled. For persons; nothing rests on it. */
import type { MeetingOutcome } from "../../engine/replication.ts";
import { open } from "../errno.ts";
import type { Tree } from "../local/tree.ts";

export interface Note {
	/** ISO 8601. */
	at: string;
	/** Whose content this is, and which server's data took its place. */
	node: string;
	peer: string;
	outcome: MeetingOutcome;
}

export const noteSuffix = ".note";

/** Writes the note of a quarantine that has none yet. A full disk does not keep the quarantine from being filled. */
export function writeNote(tree: Tree, name: string, note: Note): void {
	const { system, folderFd } = tree;
	const flags = open.WRONLY | open.CREAT | open.EXCL | open.CLOEXEC | system.flags.NOFOLLOW;
	const fd = system.openat(folderFd.quarantine, `${name}${noteSuffix}`, flags, 0o600);
	if (fd < 0) return;
	system.write(fd, Buffer.from(`${JSON.stringify(note)}\n`));
	system.close(fd);
}

/** The note that a text holds, or null when it is none. */
export function readNote(text: string): Note | null {
	try {
		const note = JSON.parse(text) as Record<string, unknown>;
		const texts = [note.at, note.node, note.peer, note.outcome];
		return texts.every((value) => typeof value === "string" && value.length <= 64) ? (note as unknown as Note) : null;
	} catch {
		return null;
	}
}
