/**
 * Where names are made and removed: on an ext4 with a journal, as servers have. Without one ext4 passes over every
 * inode that was deleted lately before it takes one for a new file, so that each round of unlinks would slow down the
 * creates of the next, on every subject.
 */
import { existsSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMounts } from "../../core/replication/fuse/mountTable.ts";
import { run } from "./machine.ts";
import type { Bench } from "./measure.ts";

const imageBytes = 12e9;
/** mkfs.ext4 makes one for so many bytes unless told otherwise. */
const bytesPerInode = 16_384;

/**
 * A folder in `root`: on its disk where that has a journal or is none of ext4, else on one in a file, with room for so
 * many files.
 */
export async function journaledFolder(bench: Bench, root: string, files = imageBytes / bytesPerInode): Promise<string> {
	const folder = join(root, "names");
	mkdirSync(folder, { mode: 0o711 });
	if (!lacksJournal(root)) return folder;
	const image = `${folder}.img`;
	writeFileSync(image, "");
	truncateSync(image, Math.max(imageBytes, files * bytesPerInode));
	await run(bench.signal, "mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image]);
	const device = (await run(bench.signal, "losetup", ["--find", "--show", "--direct-io=on", image])).trim();
	try {
		await run(bench.signal, "mount", [device, folder]);
	} finally {
		// In use it stays until it is unmounted, also by whoever cleans up after a crash.
		await run(bench.signal, "losetup", ["-d", device]);
	}
	bench.atEnd(async () => {
		await run(new AbortController().signal, "umount", [folder]);
	});
	return folder;
}

/** ext4 without the thread that writes a journal. */
function lacksJournal(folder: string): boolean {
	const { dev } = statSync(folder);
	const device = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
	const mount = readMounts().find((each) => each.device === device);
	if (mount?.type !== "ext4" || !existsSync("/proc/fs/jbd2")) return mount?.type === "ext4";
	const name = mount.source.split("/").at(-1)!;
	return !readdirSync("/proc/fs/jbd2").some((each) => each.startsWith(`${name}-`));
}
