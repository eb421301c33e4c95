/** Two servers on this machine whose module replicates a directory, each its own. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";
import { pair, type Server } from "./server.ts";

/** @param rfs attributes of `<rfs>`; `timeout` of the heartbeat in ms. */
export async function dataPair(
	t: ExecutionContext,
	rfs = "",
	timeout = 2000,
	/** Mounts something on the folder of a server, or on the one above it. */
	prepare: (server: Server, dir: string) => void = () => {},
	scripts: Record<string, string> = {},
): Promise<{ n1: Server; n2: Server; dirs: [string, string] }> {
	const user = Object.keys(scripts).length === 0 ? "" : '<user><var name="OWN" value="1"/></user>';
	const service = `<service mode="mirror"><heart pulse="100" timeout="${timeout}"><heartbeat name="default"/></heart><rfs ${rfs}><replicated dir="/nonexistent"/></rfs>${user}</service>`;
	const [n1, n2] = await pair(t, service, scripts, (server) => {
		const dir = dirOf(server);
		mkdirSync(dirname(dir));
		prepare(server, dir);
		mkdirSync(dir, { recursive: true });
		const file = join(server.safe, "modules/m/conf/userconfig.xml");
		writeFileSync(file, readFileSync(file, "utf8").replace("/nonexistent", dir));
	});
	t.teardown(() => {
		for (const server of [n1, n2]) server.run("forcestop", "-m", "m");
		for (const server of [n1, n2]) server.run("waitstop", "-m", "m", "--timeout", "20");
	});
	return { n1, n2, dirs: [dirOf(n1), dirOf(n2)] };
}

const dirOf = (server: Server): string => join(server.folder, "disk/data");
