/** At most one daemon a server: whoever holds an abstract socket named after `$SAFEVAR` is it. */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { createServer, type Server } from "node:net";

/**
 * Takes the place of the one daemon of this `$SAFEVAR`. The kernel gives it back when the process ends, however it
 * ends, so that nothing stale can be left. Null: another daemon runs.
 */
export function takeInstance(safevar: string): Promise<Server | null> {
	const id = createHash("sha256").update(realpathSync(safevar)).digest("hex").slice(0, 24);
	return new Promise((resolve, reject) => {
		const server = createServer((socket) => socket.destroy());
		server.on("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "EADDRINUSE") resolve(null);
			else reject(error);
		});
		server.listen(`\0opensafe-daemon-${id}`, () => resolve(server));
	});
}
