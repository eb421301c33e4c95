/** Two servers for one scenario, in a folder of their own. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dropCaches, syncDisk } from "../machine.ts";
import type { Bench, SubjectName } from "../measure.ts";
import { Servers } from "../subjects/servers.ts";

let made = 0;

/** `fill` writes to the first server's directory before anything runs. Everything is gone when `action` has ended. */
export async function withServers<T>(
	bench: Bench,
	subject: SubjectName,
	fill: (folder: string) => Promise<void> | void,
	action: (servers: Servers) => Promise<T>,
): Promise<T> {
	const folder = join(bench.scratch, `scale-${++made}`);
	mkdirSync(folder);
	const servers = await Servers.make(folder, subject);
	try {
		await fill(servers.a.dir);
		await syncDisk(bench.signal, folder);
		dropCaches();
		bench.signal.throwIfAborted();
		// A server that hangs must not outlive Ctrl-C: everything waits for its facts.
		return await Promise.race([action(servers), aborted(bench.signal)]);
	} finally {
		await servers.close();
		rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
	}
}

function aborted(signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
