/** Looks at all filters of a farm at once, which no server can, and says what must not be. */
import { buckets, type FarmView, followerLossMs, leaderLossMs } from "../../../core/engine/farm/group.ts";
import { ownersOf, type Rankings, rankings } from "../../../core/engine/farm/shares.ts";
import type { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import type { Queue } from "./queue.ts";
import type { Server } from "./server.ts";

/**
 * A server that was stopped in the middle of something may, when it goes on, finish that first: its filter accepts what
 * it had before until its thread has looked at the clock. That is as long as processes wait for each other.
 */
const wakingMs = 60;

export class Oracle {
	readonly violations: { invariant: string; atMs: number; what: string }[] = [];
	readonly #plan: Plan;
	readonly #servers: readonly Server[];
	readonly #network: Network;
	readonly #queue: Queue;
	/** When two servers last had no sound way to each other. */
	readonly #apartMs = new Map<number, number>();
	/** When any two had none. */
	#halvedMs = Number.NEGATIVE_INFINITY;
	readonly #healMs: number;
	readonly #quietMs: number;
	#quiet = { now: "", sinceMs: 0 };

	constructor(plan: Plan, servers: readonly Server[], network: Network, queue: Queue) {
		this.#plan = plan;
		this.#servers = servers;
		this.#network = network;
		this.#queue = queue;
		const { module } = servers[0] as Server;
		const slowest = Math.max(0, ...plan.faults.map((fault) => (fault.is === "slow" ? fault.applyMs * 1.5 : 0)));
		this.#healMs = leaderLossMs(module) + followerLossMs(module) + slowest + 500;
		this.#quietMs = this.#healMs + followerLossMs(module) + 1000;
	}

	report(invariant: string, what: string): void {
		if (this.violations.length < 5) this.violations.push({ invariant, atMs: this.#queue.nowMs, what });
	}

	/** Which servers reach each other; to be called often. */
	watch(): void {
		const [ways, relays] = [this.#ways(false), this.#ways(true)];
		this.#checkSides(relays);
		if (ways.every((to) => to.length === this.#servers.length - 1)) return;
		const reached = this.#servers.map((from) => {
			return new Set([...this.#reachedFrom(from, relays), ...(ways[from.node] ?? [])]);
		});
		for (const a of this.#servers) {
			for (const b of this.#servers) {
				const together = reached[a.node]?.has(b) === true && reached[b.node]?.has(a) === true;
				if (together) continue;
				this.#apartMs.set(a.node * 64 + b.node, this.#queue.nowMs);
				this.#halvedMs = this.#queue.nowMs;
			}
		}
	}

	#ways(relayed: boolean): Server[][] {
		const sound = (from: Server, to: Server): boolean => this.#network.sound(from.node, to.node, 200, relayed);
		return this.#servers.map((from) => this.#servers.filter((to) => from !== to && sound(from, to)));
	}

	/** When nothing has happened for long, all that reach each other answer every client, whatever is cut. */
	#checkSides(ways: readonly Server[][]): void {
		const { nowMs } = this.#queue;
		const now = JSON.stringify([
			ways.map((to) => to.map(({ node }) => node)),
			this.#servers.map(({ up, speaks, attended, open }) => [up, speaks, attended, open]),
			this.#network.bad,
			this.#network.changes,
		]);
		if (now !== this.#quiet.now) this.#quiet = { now, sinceMs: nowMs };
		if (nowMs - this.#quiet.sinceMs < this.#quietMs || this.#network.bad) return;
		this.#quiet.sinceMs = nowMs;
		const running = this.#servers.filter(({ up }) => up);
		if (running.some(({ attended }) => !attended)) return;
		const reached = new Map(running.map((server) => [server, this.#reachedFrom(server, ways)]));
		for (const server of running) {
			const side = running.filter((other) => reached.get(server)?.has(other) && reached.get(other)?.has(server));
			this.#checkCovered(side);
		}
	}

	#checkCovered(side: readonly Server[]): void {
		const { module } = side[0] as Server;
		for (const [group, { name, powers }] of module.groups.entries()) {
			const open = side.filter((server) => server.open[group]).map(({ node }) => node);
			const expected = ownersOf(rankedBy(module.nodes, { name, powers }), (node) => open.includes(node));
			for (let at = 0; at < buckets; at++) {
				const owner = expected[at] ?? null;
				if (owner === null || (this.#servers[owner]?.alive && this.#servers[owner]?.accepts[group]?.[at])) continue;
				const names = side.map((server) => server.module.node).join(" ");
				this.report("sides", `bucket ${at} of group ${group} is not answered among ${names}`);
				return;
			}
		}
	}

	#reachedFrom(from: Server, ways: readonly Server[][]): Set<Server> {
		const reached = new Set([from]);
		for (const server of reached) {
			if (server !== from && !server.speaks) continue;
			for (const next of ways[server.node] ?? []) reached.add(next);
		}
		return reached;
	}

	/** No client is answered by two servers that hear each other. */
	checkOwners(): void {
		for (const group of this.#plan.powers.keys()) {
			const owners: (Server | undefined)[] = [];
			for (const server of this.#servers) {
				const accepts = server.accepts[group];
				if (!server.alive || accepts === undefined) continue;
				for (let at = 0; at < accepts.length; at++) {
					if (accepts[at] !== true) continue;
					const other = owners[at];
					owners[at] = server;
					if (other === undefined || this.#excused(other, server)) continue;
					const names = `${other.module.node} and ${server.module.node}`;
					this.report("two owners", `bucket ${at} of group ${group} is answered by ${names}`);
					return;
				}
			}
		}
	}

	#excused(a: Server, b: Server): boolean {
		const { nowMs } = this.#queue;
		if (nowMs - (this.#apartMs.get(a.node * 64 + b.node) ?? Number.NEGATIVE_INFINITY) < this.#healMs) return true;
		// Who speaks again between two halves takes part in the first that it meets, while the other still has all.
		const between = nowMs - this.#halvedMs < this.#healMs;
		if (between && [a, b].some(({ spokeMs }) => nowMs - spokeMs < this.#healMs)) return true;
		return [a, b].some(({ resumedMs, applyMs }) => nowMs - resumedMs < wakingMs + 3 * applyMs);
	}

	/** Long after the last fault: one group, in which each bucket has exactly one owner, the right one. */
	checkEnd(): void {
		const [first] = this.#servers;
		for (const { membership, module } of this.#servers) {
			const view = membership?.view ?? null;
			if (view?.settled !== true || view.members.length !== this.#servers.length) {
				this.report("settled", `${module.node} is not in a settled group of all: ${JSON.stringify(view?.members)}`);
				return;
			}
		}
		for (const [group, { name, powers }] of (first?.module.groups ?? []).entries()) {
			const expected = ownersOf(rankedBy(first?.module.nodes ?? [], { name, powers }), (node) => {
				return this.#servers[node]?.open[group] === true;
			});
			for (let at = 0; at < buckets; at++) {
				const accepting = this.#servers.filter(({ alive, accepts }) => alive && accepts[group]?.[at] === true);
				const owner = expected[at] ?? null;
				const right = owner === null ? accepting.length === 0 : accepting.length === 1 && accepting[0]?.node === owner;
				if (right) continue;
				const names = accepting.map(({ module }) => module.node).join(" ");
				this.report("one owner", `bucket ${at} of group ${group} should be of ${owner} and is of ${names || "nobody"}`);
				return;
			}
		}
	}

	/** From one settled group to the next, nothing moves between two that were in both and took part in both. */
	checkMoves(): void {
		for (const { settled, module } of this.#servers) {
			for (const [n, after] of settled.entries()) {
				const before = settled[n - 1];
				if (before === undefined) continue;
				const moved = movedBetween(before, after);
				if (moved === null) continue;
				this.report("moves", `${module.node} saw ${moved}`);
				return;
			}
		}
	}
}

function movedBetween(before: FarmView, after: FarmView): string | null {
	for (const [group, { owners }] of after.groups.entries()) {
		const was = before.groups[group]?.owners ?? [];
		for (const [at, to] of owners.entries()) {
			const from = was[at] ?? null;
			if (from === null || to === null || from === to) continue;
			if (was.includes(to) && owners.includes(from))
				return `bucket ${at} move from ${from} to ${to}, which both stayed`;
		}
	}
	return null;
}

const cache = new Map<string, Rankings>();

function rankedBy(nodes: readonly string[], group: Parameters<typeof rankings>[1]): Rankings {
	const key = JSON.stringify([nodes, group]);
	const ranked = cache.get(key) ?? rankings(nodes, group);
	if (cache.size > 100) cache.clear();
	cache.set(key, ranked);
	return ranked;
}
