/** Disks for tests that fail or are full: file systems in files, through loop devices. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export function quietly(command: string, ...args: string[]): boolean {
	try {
		execFileSync(command, args, { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

export const hasLoop = quietly("losetup", "-f");
/** For the titles of tests that cannot run. */
export const loopReason = hasLoop ? "" : " (skipped: this machine has no loop devices)";

/**
 * An ext4 of `size` MB on `dir`, in a file on a tmpfs of `room` MB. With less room than size writes go into the cache
 * and cannot be stored: the kernel says so once, with the next sync, and then takes the lost pages for clean.
 * @param options of the mount.
 */
export function mountDisk(
	t: { teardown(fn: () => void): void },
	base: string,
	dir: string,
	{ size, room, options = [] }: { size: number; room: number; options?: string[] },
): void {
	const store = join(base, "store");
	mkdirSync(store);
	mkdirSync(dir, { recursive: true });
	execFileSync("mount", ["-t", "tmpfs", "-o", `size=${room}m`, "tmpfs", store]);
	t.teardown(() => void quietly("umount", "-l", store));
	const image = join(store, "image");
	execFileSync("truncate", ["-s", `${size}M`, image]);
	execFileSync("mkfs.ext4", ["-q", "-O", "^has_journal", image]);
	t.teardown(() => void quietly("umount", "-l", dir));
	execFileSync("mount", ["-o", ["loop", ...options].join(), image, dir]);
}
