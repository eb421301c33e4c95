/** The marks of a replicated directory, from its file `.opensafe/marks`. */
import type { Tree } from "../local/tree.ts";
import type { DataLoop } from "../loop/dataLoop.ts";
import type { Syncers } from "../loop/syncers.ts";
import type { FileId } from "../operation.ts";
import { MarkFile } from "./markFile.ts";
import { type MarkSabotage, Marks } from "./marks.ts";

export interface OpenMarks {
	tree: Tree;
	loop: DataLoop;
	/** One thread that does nothing else: a mark must not wait behind a sync of the disk. */
	writer: Syncers;
	nextId(): FileId;
	onDurable(): void;
	onFailed(result: number): void;
	sabotage: MarkSabotage;
}

/** `damaged`: what the file said is lost, so that everything may differ. @throws SafekitError REPLICATION_DISK. */
export function openMarks({ tree, loop, writer, ...rest }: OpenMarks): { marks: Marks; damaged: boolean } {
	const { system } = tree;
	const store = new MarkFile(system, tree.ownFd, "marks", (fd, bytes, offset, done) =>
		writer.run({ do: "write", fd, bytes, offset }, done),
	);
	const marks = new Marks({
		...rest,
		store,
		idOf: (file) => {
			const id = tree.idOf(file);
			return typeof id === "string" ? id : null;
		},
		later: (run, ms) => {
			if (ms === undefined) loop.post(run);
			else loop.timer(ms, run);
		},
	});
	return { marks, damaged: store.loaded === null && !store.fresh };
}
