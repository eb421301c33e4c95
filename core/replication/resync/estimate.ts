/**
 * What a session would compare, counted from this node's marks alone (order `estimate`). In slices beside everything
 * else; files that are marked in two ways count once.
 */
import type { ReplicationFact } from "../../engine/replication.ts";
import type { Context, Volume } from "../control/context.ts";
import { type as fileType } from "../errno.ts";
import { chunkBytes, isYoung } from "../marks/mark.ts";
import type { FileRef } from "../operation.ts";
import { RefTable } from "../wire/refTable.ts";

type Estimate = Extract<ReplicationFact, { fact: "estimated" }>;

/** Steps between two looks at the clock, and the time of a slice. */
const stepsAtOnce = 50;
const sliceMs = 3;

/** Counts, and then calls `done`. What cannot be looked at is gone, or is found by the session itself: not counted. */
export function estimate(context: Context, done: (estimate: Estimate) => void): void {
	const found: Estimate = { fact: "estimated", everything: false, directories: 0, files: 0, bytes: 0 };
	const steps = context.volumes.map((volume) => stepsOf(volume, found));
	context.loop.idle(() => {
		const until = context.loop.now() + sliceMs;
		while (steps.length > 0 && context.loop.now() < until) {
			for (let n = 0; n < stepsAtOnce; n++) {
				if (steps[0]!.next().done !== true) continue;
				steps.shift();
				break;
			}
		}
		if (steps.length > 0) return true;
		done(found);
		return false;
	});
}

function* stepsOf(volume: Volume, found: Estimate): Generator<void> {
	const { tree, marks } = volume;
	const list = marks.list();
	if (list.everything) {
		found.everything = true;
		const whole = tree.system.statfs(tree.rootFd);
		if (typeof whole === "number") return;
		found.files += whole.files - whole.ffree;
		found.bytes += (whole.blocks - whole.bfree) * whole.bsize;
		return;
	}
	const counted = new RefTable();
	for (const mark of list.files) {
		yield;
		const stat = tree.stat(mark.file);
		if (typeof stat === "number" || counted.has(mark.file)) continue;
		counted.set(mark.file, mark.file);
		found.files++;
		found.bytes += mark.whole ? stat.size : Math.min(stat.size, mark.chunks.length * chunkBytes);
	}
	const left = list.directories.map((mark) => ({ ...mark }));
	for (let mark = left.pop(); mark !== undefined; mark = left.pop()) {
		found.directories++;
		const entries = tree.list(mark.directory);
		for (const { name } of typeof entries === "number" ? [] : entries) {
			yield;
			const ref = tree.with<FileRef>(mark.directory, (fd) => tree.refAt(fd, name));
			const stat = typeof ref === "number" ? ref : tree.stat(ref);
			if (typeof ref === "number" || typeof stat === "number" || counted.has(ref)) continue;
			const kind = stat.mode & fileType.MASK;
			if (kind === fileType.DIRECTORY) {
				if (mark.subtree) left.push({ ...mark, directory: ref });
				continue;
			}
			const id = tree.idOf(ref);
			if (typeof id === "number" || !isYoung(id, mark.since)) continue;
			counted.set(ref, ref);
			found.files++;
			if (kind === fileType.FILE) found.bytes += stat.size;
		}
	}
}
