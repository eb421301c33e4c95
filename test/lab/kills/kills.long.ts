/** The blows in random order at random moments, for 20 minutes. SEED=… repeats a run as far as timing allows. */
import { labTest } from "../open.ts";
import { cuts, kills } from "./blows.ts";
import { Ordeal } from "./ordeal.ts";

const minutes = 20;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

labTest("whatever dies whenever: no repair, no loss", { withinMs: (minutes + 10) * 60_000 }, async (t, lab) => {
	t.log(`SEED=${seed}`);
	const ordeal = await Ordeal.begin(lab, seed);
	const until = performance.now() + minutes * 60_000;
	let count = 0;
	try {
		for (; performance.now() < until; count++) await ordeal.suffer(ordeal.random.pick([...kills, ...cuts]));
	} finally {
		await ordeal.end();
	}
	t.log(`${count} blows, ${ordeal.client.acknowledgedWrites} acknowledged writes`);
	t.true(count > minutes);
});
