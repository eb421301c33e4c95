/** Mounts that may hang are touched by processes of their own: who waits in one that hangs cannot be ended. */
import { spawn } from "node:child_process";
import { execa } from "execa";

const unmountMs = 5000;

/**
 * Asks every file system for its figures (statfs), one after the other. Resolves when all have answered, be it with an
 * error, or nobody could be sent to ask.
 */
export function askMounts(dirs: readonly string[]): Promise<void> {
	return new Promise((resolve) => {
		const child = spawn("stat", ["-f", "-c", "%T", "--", ...dirs], { stdio: "ignore", cwd: "/" });
		child.on("error", () => resolve());
		child.on("exit", () => resolve());
		child.unref();
	});
}

/** Takes away what is mounted on a path, as the mount table has it; best effort, a few seconds at most. */
export async function unmount(path: string): Promise<void> {
	await execa("umount", ["-l", "-i", "-c", "-n", path], { reject: false, stdio: "ignore", timeout: unmountMs });
}
