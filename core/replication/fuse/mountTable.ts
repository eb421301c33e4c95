/** /proc/self/mountinfo: what is mounted on a directory, and whether it is a dead mount of ours. */
import { lstatSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { SafekitError } from "../../errors.ts";
import { errno, errnoName, umountFlag } from "../errno.ts";
import type { System } from "../system.ts";

export const fuseType = "fuse.opensafe";
/** More dead mounts on one another than any number of crashes leaves. */
const maxStacked = 64;

export interface MountEntry {
	id: number;
	target: string;
	type: string;
	source: string;
	/** Of the mounted file system: `major:minor`, unlike that of any other that is mounted now. */
	device: string;
	/** Of the file system: `rw,usrquota`. */
	options: string;
}

/** The last mount on exactly this path, or null. */
export function mountOn(path: string): MountEntry | null {
	return readMounts().findLast((mount) => mount.target === path) ?? null;
}

export function readMounts(): MountEntry[] {
	return parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
}

export function parseMountInfo(text: string): MountEntry[] {
	return text.split("\n").flatMap((line) => {
		const fields = line.split(" ");
		const dash = fields.indexOf("-", 6);
		const [device, target, type, source] = [fields[2], fields[4], fields[dash + 1], fields[dash + 2]];
		if (dash < 0 || target === undefined || type === undefined || source === undefined) return [];
		const text = { target: unescaped(target), type: unescaped(type), source: unescaped(source) };
		return [{ id: Number(fields[0]), ...text, device: device ?? "", options: fields[dash + 3] ?? "" }];
	});
}

/** Blanks and the like are written as three octal digits of a byte. */
function unescaped(text: string): string {
	return text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * The path as the mount table shows it, without asking the directory itself: a dead mount on it would not answer.
 * A directory that is itself a symlink is followed.
 */
export function mountPath(path: string): string {
	const plain = join(realpathSync(dirname(path)), basename(path));
	if (mountOn(plain) !== null || !lstatSync(plain).isSymbolicLink()) return plain;
	return mountPath(resolve(dirname(plain), readlinkSync(plain)));
}

/** How `df` and the mount table name a mount of ours. */
export function mountSource(module: string): string {
	return `opensafe:${module}`;
}

/**
 * Takes away what a killed process left on the directory: a mount of ours that nobody serves any more, kept until
 * now as a fence. Throws REPLICATION_MOUNT if a living process, or another module, serves it.
 */
export function removeDeadMounts(system: System, directory: string, source: string): void {
	const path = mountPath(directory);
	for (let count = 0; count < maxStacked; count++) {
		const mount = mountOn(path);
		if (mount?.type !== fuseType) return;
		if (mount.source !== source) throw inUse(path, `it is mounted by ${mount.source}`);
		const stat = system.statfsPath(path);
		if (stat !== -errno.ENOTCONN && stat !== -errno.ECONNABORTED) {
			throw inUse(path, "another replication process of this module serves it");
		}
		const result = system.umount(path, umountFlag.DETACH | umountFlag.NOFOLLOW);
		if (result < 0) throw inUse(path, `its dead mount cannot be removed (${errnoName(result)})`);
	}
	throw inUse(path, "too many dead mounts lie on it");
}

function inUse(path: string, why: string): SafekitError {
	return new SafekitError("REPLICATION_MOUNT", `The directory ${path} cannot be mounted: ${why}.`, {
		remedy: "Stop the module and the process that serves the directory, see `findmnt`, then start the module again.",
	});
}
