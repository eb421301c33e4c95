/** How the target of a resync tells what may differ on its side (replication.md §5.8 step 1). Value ⇄ bytes. */
import type { FileId } from "../operation.ts";
import { type ByteReader, type ByteWriter, wireError } from "./bytes.ts";
import { maxFileId, maxName } from "./limits.ts";
import { readName } from "./operations.ts";

/** One mark, by the path below the root that the file has on the target now. */
export interface ToldMark {
	/** Its place among the target's marks, to ask for it again by. */
	index: number;
	/** Names from the root down; empty: the root itself, or (`lost`) nothing. */
	path: Buffer[];
	/** Of the file or directory; empty: it has none. */
	id: FileId;
	/** No name in the tree leads to it; it may still be there (`id`), in limbo. */
	lost: boolean;
	what:
		| { is: "directory"; all: boolean; since: FileId; subtree: boolean }
		| { is: "file"; whole: boolean; attributes: boolean; ranges: { from: bigint; to: bigint }[] };
}

export const maxTold = 1000;
export const maxToldRanges = 4096;
const maxLevels = 4096;

export function writeToldMark(w: ByteWriter, { index, path, id, lost, what }: ToldMark): void {
	w.u32(index).u32(path.length);
	for (const name of path) w.bytes(name);
	w.text(id).u8(lost ? 1 : 0);
	if (what.is === "directory") {
		w.u8((what.all ? 2 : 0) | (what.subtree ? 4 : 0)).text(what.since);
		return;
	}
	w.u8(1 | (what.whole ? 2 : 0) | (what.attributes ? 4 : 0)).u32(what.ranges.length);
	for (const { from, to } of what.ranges) w.u64(from).u64(to);
}

export function readToldMark(r: ByteReader): ToldMark {
	const index = r.u32();
	const levels = r.u32();
	if (levels > maxLevels) throw wireError(`a path of ${levels} names`);
	const path = Array.from({ length: levels }, () => readName(r));
	const [id, lost, flags] = [r.text(maxFileId), r.u8() !== 0, r.u8()];
	if (flags > 7) throw wireError(`a mark of an unknown kind: ${flags}`);
	if ((flags & 1) === 0) {
		const directory = { is: "directory", all: (flags & 2) !== 0, subtree: (flags & 4) !== 0 } as const;
		return { index, path, id, lost, what: { ...directory, since: r.text(maxFileId) } };
	}
	const count = r.u32();
	if (count > maxToldRanges) throw wireError(`a mark of ${count} ranges`);
	const ranges = Array.from({ length: count }, () => ({ from: r.u64(), to: r.u64() }));
	return {
		index,
		path,
		id,
		lost,
		what: { is: "file", whole: (flags & 2) !== 0, attributes: (flags & 4) !== 0, ranges },
	};
}

/** Bytes of a mark as it travels, at most. */
export function toldBytes({ path, what }: ToldMark): number {
	const names = path.reduce((sum, name) => sum + 4 + Math.min(maxName, name.length), 0);
	return 200 + names + (what.is === "file" ? what.ranges.length * 16 : 0);
}
