/** Power cuts on disks that lose what was not flushed: what was promised is there, and both servers hold the same. */
import { labTest } from "../open.ts";
import { cuts, PowerOrdeal } from "./ordeal.ts";

labTest(
	"power goes, of each server and of both, in service and in a resync",
	{ withinMs: 8 * 60_000 },
	async (t, lab) => {
		const ordeal = await PowerOrdeal.begin(lab, 1);
		try {
			for (const cut of cuts) {
				const from = performance.now();
				t.deepEqual(await ordeal.suffer(cut), [], `${cut}\n${await ordeal.logs()}`);
				t.log(
					`${cut}: back after ${Math.round(performance.now() - from)} ms, ${ordeal.acknowledged} acknowledged; copied ${ordeal.copied}`,
				);
			}
		} finally {
			await ordeal.end();
		}
	},
);
