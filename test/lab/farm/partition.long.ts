/** The switch falls in two, with servers and clients on both sides, and is whole again: each side answers its clients. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { labTest } from "../open.ts";
import { Clients, type Meter } from "./clients.ts";
import { addressesOf, crowd, isProper, keepers, names, powers } from "./deeds.ts";
import { Farm } from "./farm.ts";

/** Of each family, on either side. */
const count = 30;
const othersFrom = 200;
const [alone, rest] = ["n1", names.slice(1)];

async function areAnswered(t: ExecutionContext, farm: Farm, clients: Clients, by: readonly string[]): Promise<void> {
	for (const address of addressesOf(farm)) {
		const { answered, failed, servers } = await clients.askEach(address);
		t.is(answered, count, `${address}: ${JSON.stringify(failed)}`);
		t.deepEqual(Object.keys(servers).sort(), [...by], address);
	}
}

async function nobodyFails(t: ExecutionContext, meters: readonly Meter[]): Promise<void> {
	for (const meter of meters) {
		const { failed, idleResets } = await meter.report();
		t.deepEqual([failed, idleResets], [{}, 0]);
	}
}

labTest(
	"a switch that falls in two: both sides answer, and when it is whole again they share",
	{ withinMs: 600_000, needs: ["nginx", "tcpdump"] },
	(t, lab) =>
		Farm.with(lab, { powers, clients: count }, t.log, async (farm) => {
			const others = await Clients.make(lab, count, "others", othersFrom);
			try {
				await farm.start();
				await farm.untilServing(names);
				const macs = await farm.macs();
				const sides = [farm.clients, others];
				for (const clients of sides) await areAnswered(t, farm, clients, names);

				await lab.split([farm.node(alone), others.node]);
				await Promise.all([farm.untilMembers([alone]), farm.untilMembers(rest)]);
				const judged = await Promise.all(sides.map((clients) => clients.capture(addressesOf(farm), macs)));
				const meters = sides.flatMap((clients) => crowd(clients, addressesOf(farm)));
				await areAnswered(t, farm, farm.clients, rest);
				await areAnswered(t, farm, others, [alone]);
				meters.push(...addressesOf(farm).map((address) => keepers(farm.clients, address)));
				await sleep(5000);
				await nobodyFails(t, meters);
				for (const judge of judged) isProper(t, await judge());

				const meeting = await Promise.all(sides.map((clients) => clients.capture(addressesOf(farm), macs)));
				const from = performance.now();
				await lab.restore();
				await farm.untilMembers(names);
				t.log(`one group after ${Math.round(performance.now() - from)} ms`);
				await sleep(1000);
				// Until a server hears that another one lives, it resets connections of that one's clients: they come again.
				for (const meter of meters) t.log(`failed meanwhile: ${JSON.stringify((await meter.report()).failed)}`);
				for (const judge of meeting) {
					const { answered, twice } = await judge();
					t.log(`while they met: ${answered} exchanges, ${twice.length} answered by two`);
				}
				const after = await Promise.all(sides.map((clients) => clients.capture(addressesOf(farm), macs)));
				for (const clients of sides) await areAnswered(t, farm, clients, names);
				await sleep(5000);
				await nobodyFails(t, meters);
				// Each side's cable carries what the others ask the virtual MAC too, not what they are answered.
				for (const judge of after) isProper(t, await judge());
				for (const meter of meters) await meter.stop();
			} finally {
				others.stop();
			}
		}),
);
