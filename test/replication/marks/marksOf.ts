/** What the marks file of a replicated directory says, read from its disk beside the process that writes it. */
import { closeSync, openSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { applyEntry } from "../../../core/replication/marks/entries.ts";
import type { MarkList } from "../../../core/replication/marks/mark.ts";
import { MarkFile } from "../../../core/replication/marks/markFile.ts";
import { MarkSet } from "../../../core/replication/marks/markSet.ts";
import type { Pair } from "../pair.ts";
import { compareTrees } from "../treeCompare.ts";

/** What a process has open under this path: a directory underneath its mount. */
function openIn(pid: number, path: string): string {
	const fds = join("/proc", String(pid), "fd");
	for (const fd of readdirSync(fds)) {
		try {
			if (readlinkSync(join(fds, fd)) === path) return join(fds, fd);
		} catch {
			// Closed meanwhile.
		}
	}
	throw new Error(`process ${pid} has ${path} not open`);
}

/** The replicated directory underneath the mount of a process. */
export function underneath(dir: string, pid: number): string {
	return openIn(pid, dir);
}

/** @param pid of the process that serves the directory, if it is mounted. */
export function marksOf(dir: string, pid: number | null): MarkList {
	const own = join(dir, ".opensafe");
	const fd = openSync(pid === null ? own : openIn(pid, own), "r");
	const file = new MarkFile(system, fd, "marks", () => {
		throw new Error("only read");
	});
	closeSync(fd);
	file.close();
	const set = new MarkSet();
	let everything = file.loaded === null;
	for (const entry of file.loaded ?? []) {
		if (entry.is === "everything") everything = entry.yes;
		else applyEntry(set, entry);
	}
	return { everything, ...set.list() };
}

/** Differences of both trees that no mark of `marks` names; both mounts are gone. */
export function unnamed(pair: Pair, marks: MarkList, skip: string[] = []): string[] {
	const inode = (ref: bigint): number => Number(ref & 0xffffffffn);
	const files = new Set(marks.files.map(({ file }) => inode(file)));
	const directories = new Set(marks.directories.map(({ directory }) => inode(directory)));
	return compareTrees(pair.a.dir, pair.b.dir, { skip: [".opensafe", ...skip], blocks: false }).filter((difference) => {
		const path = join(pair.a.dir, difference.split(": ")[0]!);
		const parent = statSync(dirname(path), { throwIfNoEntry: false });
		const own = statSync(path, { throwIfNoEntry: false });
		const byParent = parent !== undefined && directories.has(parent.ino);
		return !byParent && (own === undefined || (!files.has(own.ino) && !directories.has(own.ino)));
	});
}
