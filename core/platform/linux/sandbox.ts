/** Starts a process in a network of its own (with nothing in it), without a way to more rights, with limits. */
import { accessSync, constants } from "node:fs";
import type { SandboxSystem } from "../../sandbox/system.ts";

const [nice, unshare, setpriv, prlimit] = ["nice", "unshare", "setpriv", "prlimit"].map(
	(name) => `/usr/bin/${name}`,
) as [string, string, string, string];
/** Threads and processes of its user, open files, bytes of a file that it writes. */
const [threads, files, fileBytes] = [64, 128, 4096];

export const sandboxSystem: SandboxSystem = {
	confined(program, args, { dataMb }) {
		const limits = [`--nproc=${threads}`, `--nofile=${files}`, `--fsize=${fileBytes}`, "--core=0"];
		// Alone in its network: root only. Users who test a module have it run as themselves.
		const network = process.getuid?.() === 0 ? [[unshare, "--net", "--ipc", "--uts", "--"]] : [];
		const steps = [
			[nice, "-n", "10"],
			...network,
			[prlimit, ...limits, `--data=${dataMb * 1024 * 1024}`],
			[setpriv, "--no-new-privs", "--"],
		].filter(([name]) => isThere(name as string));
		const [file, ...rest] = [...steps.flat(), program, ...args] as [string, ...string[]];
		return { file, args: rest };
	},
};

function isThere(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
