/** A minute and more of whatever can happen to the servers of a farm: nobody is answered by two of them at any moment. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { labTest } from "../open.ts";
import {
	addressesOf,
	crowd,
	daemonDeath,
	daemonHangs,
	everybodyIsAnswered,
	isProper,
	keepers,
	linkCut,
	names,
	powerCut,
	powers,
	processDeath,
	webCheck,
} from "./deeds.ts";
import { Farm } from "./farm.ts";

const captureMs = 60_000;

/** Two of three lose power: the last one goes on, also when its kernel finds nobody any more to send pulses to. */
async function theLastOne(t: ExecutionContext, farm: Farm): Promise<void> {
	const [last, ...others] = names;
	for (const name of others) await farm.node(name).powerCut();
	await farm.untilServing([last as string]);
	await farm.node(last as string).run("ip neigh flush all; ip -6 neigh flush all");
	await sleep(3000);
	await farm.clients.node.run("ip neigh flush all; ip -6 neigh flush all");
	await everybodyIsAnswered(t, farm, [last as string]);
}

labTest(
	"a minute of faults: one answer for everybody at any moment",
	{ withinMs: 900_000, needs: ["nginx", "tcpdump"] },
	(t, lab) =>
		Farm.with(lab, { powers, more: webCheck }, t.log, async (farm) => {
			await farm.start();
			await farm.untilServing(names);
			const judged = await farm.clients.capture(addressesOf(farm), await farm.macs());
			const from = performance.now();
			const meters = [
				...crowd(farm.clients, addressesOf(farm)),
				...addressesOf(farm).map((address) => keepers(farm.clients, address)),
			];
			for (const name of names) {
				await daemonDeath(farm, name);
				await daemonHangs(t, farm, name);
				await linkCut(t, farm, name);
				await processDeath(t, farm, name);
				await powerCut(t, farm, name);
				await farm.stop([farm.node(name)]);
				await farm.start([farm.node(name)]);
				await farm.untilServing(names);
			}
			await sleep(Math.max(0, captureMs - (performance.now() - from)));
			for (const meter of meters) await meter.stop();
			t.log(`${Math.round((performance.now() - from) / 1000)} s`);
			isProper(t, await judged());
			await theLastOne(t, farm);
		}),
);
