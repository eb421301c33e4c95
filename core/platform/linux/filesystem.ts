/** Tries what replication needs of a file system. */
import { randomBytes } from "node:crypto";
import { constants, type FileHandle, open } from "node:fs/promises";
import type { FileSystemProbe } from "../../module/filesystem.ts";
import { fileCalls } from "./libcFiles.ts";

/** Magic numbers of statfs(2), for messages only. */
const names: ReadonlyMap<number, string> = new Map([
	[0xef53, "ext4"],
	[0x58465342, "xfs"],
	[0x9123683e, "btrfs"],
	[0x01021994, "tmpfs"],
	[0x794c7630, "overlay"],
	[0x65735546, "fuse"],
	[0x6969, "nfs"],
	[0x4d44, "vfat"],
	[0x2fc12fc1, "zfs"],
]);

/** A file without a name: whatever happens, nothing of it stays. */
const unnamedFile = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR;

export const fileSystemProbe: FileSystemProbe = {
	async probe(directory) {
		const stat = fileCalls.statfsPath(directory);
		const type =
			typeof stat === "number" ? "unknown" : (names.get(stat.type >>> 0) ?? `0x${(stat.type >>> 0).toString(16)}`);
		const folder = await open(directory, "r").catch(() => null);
		const file = folder && (await open(directory, unnamedFile, 0o600).catch(() => null));
		try {
			if (folder === null || file === null) return { type, fileHandles: false, trustedXattrs: false };
			return { type, fileHandles: opensByHandle(folder, file), trustedXattrs: keepsAttribute(file) };
		} finally {
			await file?.close();
			await folder?.close();
		}
	},
};

/** Some file systems give handles that nobody can open. */
function opensByHandle(folder: FileHandle, file: FileHandle): boolean {
	const handle = fileCalls.nameToHandle(file.fd, "");
	if (typeof handle === "number") return false;
	const opened = fileCalls.openByHandle(folder.fd, handle, 0);
	if (opened >= 0) fileCalls.close(opened);
	return opened >= 0;
}

function keepsAttribute(file: FileHandle): boolean {
	const value = randomBytes(32);
	if (fileCalls.setxattr(file.fd, "trusted.o", value, 0) < 0) return false;
	const kept = fileCalls.getxattr(file.fd, "trusted.o");
	return typeof kept !== "number" && kept.equals(value);
}
