/**
 * A farm of three real servers with real nginx and dnsmasq: who answers whom, while servers come, go, lose power, cables
 * and processes. On the clients' cable every frame is looked at: nobody is ever answered by two. What else is in the
 * network of a server stays as it is.
 */
import type { ExecutionContext } from "ava";
import { labTest } from "../open.ts";
import {
	addressesOf,
	crowd,
	everybodyIsAnswered,
	isFair,
	isProper,
	linkCut,
	names,
	powerCut,
	powers,
	processDeath,
	rollingUpdate,
	webCheck,
} from "./deeds.ts";
import { Farm } from "./farm.ts";
import { furnish, startDocker, surroundingsOf } from "./surroundings.ts";

/** Whoever has weight answers, by the client's address at one virtual address, by the packet at the other. */
async function namesAreAnswered(t: ExecutionContext, farm: Farm): Promise<void> {
	const times = 8;
	const byAddress = await farm.clients.askNames({ target: farm.address("vmac_invisible")[0], times, answerMs: 15_000 });
	t.true(
		byAddress.every((answers) => answers.every((texts) => texts.length === 1)),
		"one answer each, by address",
	);
	t.true(
		byAddress.every((answers) => new Set(answers.flat()).size === 1),
		"a client has one server",
	);
	isFair(t, "names by address", countOf(byAddress.flatMap(([first]) => first ?? [])), names);
	const byPacket = await farm.clients.askNames({ target: farm.address("vmac_directed")[0], times, answerMs: 15_000 });
	t.true(
		byPacket.every((answers) => answers.every((texts) => texts.length === 1)),
		"one answer each, by packet",
	);
	t.true(
		byPacket.some((answers) => new Set(answers.flat()).size > 1),
		"a client's packets have several servers",
	);
	isFair(t, "names by packet", countOf(byPacket.flat(2)), names);
}

function countOf(texts: readonly string[]): Record<string, number> {
	const found: Record<string, number> = {};
	for (const text of texts) found[text] = (found[text] ?? 0) + 1;
	return found;
}

/** With both mechanisms taken away from one server, the judge must find what it looks for. */
async function control(t: ExecutionContext, farm: Farm, macs: Record<string, string>): Promise<void> {
	const n2 = farm.node("n2");
	const tables = (await n2.run("nft list tables inet")).match(/opensafe_\d+/g) ?? [];
	t.is(tables.length, 1, "one table of the module");
	const [table] = tables;
	const removal = `table inet ${table}\ndelete table inet ${table}\nflush chain netdev ${table} out_0\n`;
	let twice = 0;
	// The daemon writes it again within two seconds, perhaps before anybody has asked.
	for (let attempt = 0; twice === 0 && attempt < 5; attempt++) {
		const judged = await farm.clients.capture(addressesOf(farm), macs);
		await n2.run(`nft -f - <<END\n${removal}END`);
		await farm.clients.askEach(farm.address("vmac_invisible")[0], 3);
		({ length: twice } = (await judged()).twice);
	}
	t.not(twice, 0, "without its filter a server answers clients of the others");
}

/** Started, stopped, and stopped again by a daemon that was killed in between: the rest of the network is as before. */
async function leavesNoTrace(t: ExecutionContext, farm: Farm, name: string, before: string): Promise<void> {
	const node = farm.node(name);
	t.not(await surroundingsOf(node), before, "a farm that runs does leave a trace");
	await farm.stop([node]);
	t.is(await surroundingsOf(node), before, "after a stop");
	await farm.start([node]);
	await farm.killDaemon(node);
	await farm.stop([node]);
	t.is(await surroundingsOf(node), before, "after the daemon's death");
}

labTest(
	"a farm: every client has one server, whatever happens to the servers",
	{ withinMs: 600_000, needs: ["nginx", "dnsmasq", "tcpdump", "dockerd", "docker"] },
	(t, lab) =>
		Farm.with(lab, { powers, names: true, more: webCheck }, t.log, async (farm) => {
			const n3 = farm.node("n3");
			await furnish(lab, n3);
			await startDocker(lab, n3);
			const before = await surroundingsOf(n3);
			await farm.start();
			await farm.untilServing(names);
			const macs = await farm.macs();
			const judged = await farm.clients.capture(addressesOf(farm), macs);
			await everybodyIsAnswered(t, farm, names);
			await namesAreAnswered(t, farm);
			const meters = crowd(farm.clients, addressesOf(farm));
			await rollingUpdate(t, farm);
			await powerCut(t, farm, "n1");
			await linkCut(t, farm, "n2");
			await processDeath(t, farm, "n3");
			for (const meter of meters) await meter.stop();
			isProper(t, await judged());
			await leavesNoTrace(t, farm, "n3", before);
			await control(t, farm, macs);
		}),
);
