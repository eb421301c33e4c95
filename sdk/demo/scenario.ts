/** What the demo shows, step by step: start, replicate, power cut, failover, return, resync, swap. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pair } from "../lab/pair.ts";
import { Client } from "./client.ts";
import { installDemo, moduleName, timeoutMs, urlOf } from "./servers.ts";

/** interfaces.md: what `demo -- --once --json` prints. */
export interface Result {
	failoverMs: number;
	acknowledgedWrites: number;
	lostWrites: number;
	resyncMs: number;
	swapMs: number;
}

const startWithinMs = 60_000;
const failoverWithinMs = timeoutMs + 30_000;
const resyncWithinMs = 120_000;
const writers = 3;
/** How long the client writes before and between the events. */
const workMs = 3000;

/** Plays everything once. `say` prints a line for a person. */
export async function play(servers: Pair, say: (text: string) => void): Promise<Result> {
	const [first, second] = servers.nodes;
	say("Both servers get the product, the cluster's key and the module.");
	await installDemo(servers);
	say(`${first.name} is started with \`safekit prim\`: on a first start, a person says whose data is good.`);
	await servers.command(first, "prim");
	await servers.until(first, "ALONE Ready", startWithinMs);
	say(`${second.name} is started: it copies the data while the application runs on.`);
	await servers.command(second, "start");
	await servers.until(second, "SECOND Ready", startWithinMs);
	await servers.until(first, "PRIM Ready", startWithinMs);

	const client = new Client(urlOf(servers));
	client.start(writers);
	say(
		`A client writes through ${urlOf(servers)}; each answer comes after fsync on the primary and receipt by the other.`,
	);
	try {
		await client.nextAfter(performance.now(), startWithinMs);
		await sleep(workMs);
		const failoverMs = await failOver(servers, client, say);
		const resyncMs = await comeBack(servers, client, say);
		const lostAfterFailover = await count(client, say);
		const swapMs = await swap(servers, client, say);
		await client.stop();
		const lostAfterSwap = await count(client, say);
		const lostWrites = Math.max(lostAfterFailover, lostAfterSwap);
		return { failoverMs, acknowledgedWrites: client.acknowledgedWrites, lostWrites, resyncMs, swapMs };
	} finally {
		await client.stop();
	}
}

async function failOver(servers: Pair, client: Client, say: (text: string) => void): Promise<number> {
	const [first, second] = servers.nodes;
	say(`${first.name} loses power, with ${client.acknowledgedWrites} writes acknowledged.`);
	const fromMs = performance.now();
	// Either may fail first, as when the demo ends meanwhile.
	const [, failoverMs] = await Promise.all([
		servers.powerCut(first),
		client.nextAfter(fromMs, failoverWithinMs, second.name),
	]);
	say(
		`${second.name} took over: ${failoverMs} ms from the power cut to the first write acknowledged there ` +
			`(it waits ${timeoutMs} ms for a sign of life, as configured).`,
	);
	await servers.until(second, "ALONE Ready", failoverWithinMs);
	await sleep(workMs);
	return failoverMs;
}

async function comeBack(servers: Pair, client: Client, say: (text: string) => void): Promise<number> {
	const [first, second] = servers.nodes;
	say(`${first.name} gets power again. It may not start by itself: the other one has newer data.`);
	const fromMs = performance.now();
	const before = client.acknowledgedWrites;
	await servers.powerOn(first);
	await servers.until(first, "SECOND Ready", resyncWithinMs);
	await servers.until(second, "PRIM Ready", resyncWithinMs);
	const resyncMs = Math.round(performance.now() - fromMs);
	const meanwhile = client.acknowledgedWrites - before;
	say(`${first.name} is up to date after ${resyncMs} ms; ${meanwhile} writes were acknowledged meanwhile.`);
	return resyncMs;
}

async function swap(servers: Pair, client: Client, say: (text: string) => void): Promise<number> {
	const [first, second] = servers.nodes;
	say(`The roles are swapped with \`safekit swap -m ${moduleName}\` on ${second.name}.`);
	const fromMs = performance.now();
	await servers.command(second, "swap");
	const swapMs = await client.nextAfter(fromMs, failoverWithinMs, first.name);
	say(`${first.name} serves again, ${swapMs} ms after the command.`);
	await servers.until(first, "PRIM Ready", resyncWithinMs);
	await servers.until(second, "SECOND Ready", resyncWithinMs);
	await sleep(workMs / 3);
	return swapMs;
}

async function count(client: Client, say: (text: string) => void): Promise<number> {
	const total = client.acknowledgedWrites;
	const lost = await client.lostWrites();
	say(`Read back through the virtual IP: of ${total} acknowledged writes, ${lost} are missing.`);
	return lost;
}
