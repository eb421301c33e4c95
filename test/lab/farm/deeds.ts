/** What happens to the servers of a farm in these tests, and what must hold after each. */
import type { ExecutionContext } from "ava";
import { type Clients, clientCount, failuresOf, type Meter } from "./clients.ts";
import { type Farm, types } from "./farm.ts";
import type { Verdict } from "./judge.ts";

export const powers = { n1: 1, n2: 1, n3: 2 };
export const names = Object.keys(powers);
/** Of all clients, how much a server's part may differ from its weight. */
const tolerance = 0.15;
/** A web server that does not answer is found within a second, and the module restarted a moment later. */
export const webCheck =
	'<failover period="500ms" handle_time="500ms"/><check><tcp ident="web" when="both"><to addr="127.0.0.1" port="80" interval="1s" timeout="5s"/></tcp></check>';

export const addressesOf = (farm: Farm): string[] => types.flatMap((type) => farm.address(type));

export function isFair(
	t: ExecutionContext,
	what: string,
	found: Record<string, number>,
	among: readonly string[],
): void {
	const all = Object.values(found).reduce((sum, count) => sum + count, 0);
	const weightOf = (name: string): number => powers[name as keyof typeof powers] ?? 0;
	const weights = among.reduce((sum, name) => sum + weightOf(name), 0);
	for (const name of among) {
		const [part, weight] = [(found[name] ?? 0) / all, weightOf(name) / weights];
		const says = `${what}: ${name} answers ${part.toFixed(2)}, weighs ${weight.toFixed(2)}`;
		t.true(Math.abs(part - weight) <= tolerance, says);
	}
	t.deepEqual(
		Object.keys(found).filter((name) => !among.includes(name)),
		[],
		what,
	);
}

/** Each of the 60 clients of both families is answered, at every address, by a server that is there. */
export async function everybodyIsAnswered(t: ExecutionContext, farm: Farm, among: readonly string[]): Promise<void> {
	for (const type of types) {
		for (const address of farm.address(type)) {
			const report = await farm.clients.askEach(address);
			t.is(report.answered, clientCount, `${type} ${address}: ${JSON.stringify(report.failed)}`);
			isFair(t, `${type} ${address}`, report.servers, among);
		}
	}
}

/** All clients ask all addresses over new connections, all the time: what the judge looks at. */
export function crowd(clients: Clients, addresses: readonly string[]): Meter[] {
	const plan = { mode: "new", everyMs: 500, answerMs: 5000 } as const;
	return addresses.map((target) => clients.meter({ ...plan, target, sources: clients.sources(target) }));
}

/** Over connections that stay; a request fails only when it was not answered at all. */
export function keepers(clients: Clients, target: string): Meter {
	return clients.meter({ target, sources: clients.sources(target), mode: "keep", everyMs: 50, answerMs: 30_000 });
}

export function isProper(t: ExecutionContext, verdict: Verdict): void {
	t.log(
		`${verdict.answered} exchanges, answered by ${JSON.stringify(verdict.perServer)}, ${verdict.unanswered} by none`,
	);
	t.true(verdict.answered > 1000);
	t.deepEqual(verdict.twice, [], "nobody is answered by two servers");
	t.deepEqual(verdict.foreign, [], "no switch learns the virtual MAC");
}

/** Every server is stopped and started in turn while all clients go on asking over connections that stay. */
export async function rollingUpdate(t: ExecutionContext, farm: Farm): Promise<void> {
	const [target] = farm.address("vmac_invisible");
	const meter = keepers(farm.clients, target);
	for (const node of farm.nodes) {
		await farm.stop([node]);
		const { failed, idleResets } = await meter.report();
		t.deepEqual([failed, idleResets], [{}, 0], `${node.name} stopped`);
		const { servers } = await farm.clients.askEach(target);
		t.is(servers[node.name], undefined, "nobody is left at the stopped server");
		await farm.start([node]);
		await farm.untilServing(names);
	}
	const last = await meter.report();
	t.deepEqual([failuresOf(last), last.idleResets], [0, 0]);
	t.true(last.answered > clientCount);
	await meter.stop();
}

/** From one moment to the next nothing comes from it any more; with power it comes back by itself. */
export async function powerCut(t: ExecutionContext, farm: Farm, name: string): Promise<void> {
	const node = farm.node(name);
	const others = names.filter((each) => each !== name);
	await node.powerCut();
	await farm.untilServing(others);
	await everybodyIsAnswered(t, farm, others);
	await farm.powerOn(node);
	await farm.until(node, "UP Ready");
	await farm.untilServing(names);
}

/** Its cable is pulled, and plugged in again: it goes on by itself. */
export async function linkCut(t: ExecutionContext, farm: Farm, name: string): Promise<void> {
	const others = names.filter((each) => each !== name);
	await farm.lab.cut(farm.node(name), "lan0");
	await farm.untilServing(others);
	await everybodyIsAnswered(t, farm, others);
	await farm.lab.restore();
	await farm.untilServing(names);
}

/** nginx dies; the checker has the module restarted, and the others answer meanwhile. */
export async function processDeath(t: ExecutionContext, farm: Farm, name: string): Promise<void> {
	const node = farm.node(name);
	const restarts = async (): Promise<number> =>
		(await farm.log(node)).split("Action restart from failover rule t_web").length;
	const before = await restarts();
	await node.run("pkill -9 -x nginx");
	await farm.lab.until("the checker has the module restarted", 60_000, async () => (await restarts()) > before);
	await farm.until(node, "UP Ready");
	await farm.untilServing(names);
	await everybodyIsAnswered(t, farm, names);
}

/** The daemon dies, and is there again at once: no client notices. */
export async function daemonDeath(farm: Farm, name: string): Promise<void> {
	const node = farm.node(name);
	const before = await node.servicePid("safeadmin");
	await node.run(`kill -9 ${before}`);
	await farm.lab.until("another daemon runs", 30_000, async () => (await node.servicePid("safeadmin")) !== before);
	await farm.until(node, "UP Ready");
	await farm.untilServing(names);
}

/** The daemon and all its threads stand still longer than the others wait; then they go on. */
export async function daemonHangs(t: ExecutionContext, farm: Farm, name: string): Promise<void> {
	const node = farm.node(name);
	const others = names.filter((each) => each !== name);
	const pid = await node.servicePid("safeadmin");
	await node.run(`kill -STOP ${pid}`);
	await farm.untilServing(others);
	await everybodyIsAnswered(t, farm, others);
	await node.run(`kill -CONT ${pid}`);
	await farm.untilServing(names);
}
