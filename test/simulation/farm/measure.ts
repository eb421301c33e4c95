/** Times of a farm without other troubles, in virtual milliseconds: what the protocol costs, not the machine. */
import type { Plan } from "./plan.ts";
import { Farm, quietPlan } from "./run.ts";

/** From a server's loss of power until the others answer all of its clients. */
export function failoverMs(plan: Partial<Plan>, nodes: number, node: number, atMs: number): number {
	const farm = new Farm(quietPlan(nodes, plan));
	farm.queue.until(6000 + atMs);
	const before = farm.queue.nowMs;
	farm.servers[node]?.crash(0);
	return until(farm, before, 1) - before;
}

/** The longest time for which any client has nobody, while a server's clients are given to the others, or it gets them. */
export function plannedGapMs(plan: Partial<Plan>, nodes: number, node: number, opens: boolean): number {
	const farm = new Farm(quietPlan(nodes, plan));
	const server = farm.servers[node];
	if (opens) server?.wish([false]);
	farm.queue.until(6000);
	server?.wish([opens]);
	let [openMs, longestMs] = [farm.queue.nowMs, 0];
	for (let step = 0; step < 20_000; step++) {
		farm.queue.until(farm.queue.nowMs + 0.1);
		if (isCovered(farm)) openMs = farm.queue.nowMs;
		longestMs = Math.max(longestMs, farm.queue.nowMs - openMs);
	}
	return longestMs;
}

function until(farm: Farm, fromMs: number, stepMs: number): number {
	while (!isCovered(farm)) {
		if (farm.queue.nowMs - fromMs > 60_000) throw new Error("the clients have nobody");
		farm.queue.until(farm.queue.nowMs + stepMs);
	}
	return farm.queue.nowMs;
}

function isCovered(farm: Farm): boolean {
	const serving = farm.servers.filter(({ alive }) => alive);
	for (let at = 0; at < 256; at++) if (!serving.some(({ accepts }) => accepts[0]?.[at] === true)) return false;
	return true;
}
