/** Only one replication process of a module runs, whoever starts it and whenever (design §8). */
import test from "ava";
import { isPlaceTaken } from "../../core/replication/control/place.ts";
import { Pair } from "./pair.ts";

test.serial("a daemon that comes while the process of another is just starting finds that one", async (t) => {
	const pair = await Pair.make(t);
	const { a } = pair;
	await pair.up();
	await a.killProcess();
	t.false(isPlaceTaken(a.config.socket));
	// The first daemon dies before it hears of the process that it has started.
	const others = [a.newClient(), a.newClient()];
	await Promise.all(others.map((client) => client.start("/dev/null", true)));
	t.is(others[0]!.pid, others[1]!.pid);
	for (const client of others) client.release();
	await a.adopt();
	t.is(a.client.pid, others[0]!.pid);
	await pair.join(a, pair.b, "SERVING");
});
