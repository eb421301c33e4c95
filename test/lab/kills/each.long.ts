/**
 * Two hundred random `kill -9` of each process of a server (design §8), under the load of an application that notices
 * everything that is lost or done twice: nobody repairs anything. `BLOWS` sets another number, `SEED` the order.
 */
import type { ExecutionContext } from "ava";
import { labTest } from "../open.ts";
import { Fleet } from "./fleet.ts";
import { Siege } from "./siege.ts";

const blows = Number(process.env.BLOWS ?? 200);
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** The fourth death of a module's replication process within a minute is the degraded mode: so there are some modules. */
const moduleCount = 3;
const withinMs = 120 * 60_000;

labTest(`${blows} deaths of each process, wherever, whenever`, { withinMs }, async (t, lab) => {
	t.log(`SEED=${seed}`);
	const fleet = await Fleet.begin(lab, moduleCount);
	const siege = new Siege(fleet, blows, seed, (line) => t.log(line));
	t.deepEqual(await siege.run(), []);
	for (const line of siege.report()) t.log(line);
});

labTest("negative control: without intents the same deaths are noticed", { withinMs }, async (t, lab) => {
	const fleet = await Fleet.begin(lab, moduleCount, "no-intents");
	t.regex((await noticed(t, fleet)).join("\n"), /EEXIST|ENOENT/);
});

async function noticed(t: ExecutionContext, fleet: Fleet): Promise<string[]> {
	const siege = new Siege(fleet, 40, seed, () => {});
	const wrong = await siege.run();
	t.log(wrong[0]?.slice(0, 300));
	return wrong;
}
