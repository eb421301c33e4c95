import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { compareTrees } from "../replication/treeCompare.ts";
import { dataPair } from "./dataPair.ts";
import type { Server } from "./server.ts";

const stateOf = (server: Server) => JSON.parse(server.ok("state", "-m", "m", "--json")).modules[0];
const megabyte = Buffer.alloc(1 << 20, "copied slowly ");

test.serial("a daemon killed while the other server is being copied to takes the very session up again", async (t) => {
	const { n1, n2, dirs } = await dataPair(t, 'reiallowedbw="1500"');
	mkdirSync(dirs[0], { recursive: true });
	for (let n = 0; n < 40; n++) writeFileSync(join(dirs[0], `file${n}`), megabyte);
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	n2.ok("second", "-m", "m");
	await n2.until(() => stateOf(n2).state === "SECOND" && stateOf(n1).resync !== null);
	for (const server of [n1, n2]) {
		await server.kill("SIGKILL");
		await server.start();
	}
	t.is(stateOf(n2).uptodate, false, "it was killed in the middle");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "120");
	for (const server of [n1, n2]) {
		t.notRegex(server.log("m"), /no replication process/);
		const terms = [...server.log("m").matchAll(/"order":"session".*?"term":(\d+)/g)].map(([, term]) => term);
		t.deepEqual([...new Set(terms)].length, 1, "no other session was begun");
	}
	for (const server of [n2, n1]) {
		server.ok("stop", "-m", "m");
		server.ok("waitstop", "-m", "m", "--timeout", "60");
	}
	t.deepEqual(compareTrees(dirs[0], dirs[1]), []);
});
