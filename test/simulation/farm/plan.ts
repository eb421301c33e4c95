/** A farm and what befalls it, made from a seed. Plain data: a failing plan is shrunk by leaving faults out. */
import { Random } from "../random.ts";

export type Fault =
	/** No power for a while: the kernel forgets everything. */
	| { is: "crash"; atMs: number; node: number; forMs: number; clockBackMs: number }
	/** The daemon is killed: the kernel's filter stays. Its thread runs again after a moment, the rest of it later. */
	| { is: "kill"; atMs: number; node: number; threadMs: number; restMs: number }
	| { is: "pause"; atMs: number; node: number; forMs: number }
	/** Frames from these nodes to those get lost, on one lan or (null) on all. */
	| { is: "cut"; atMs: number; from: number[]; to: number[]; lan: number | null; forMs: number }
	/** A person stops the module in good order, and starts it again. */
	| { is: "stop"; atMs: number; node: number; forMs: number }
	| { is: "wish"; atMs: number; node: number; open: boolean[] }
	/** The filter takes so long to obey. */
	| { is: "slow"; atMs: number; node: number; applyMs: number; forMs: number }
	| { is: "bad"; atMs: number; forMs: number; loss: number; delayMs: number; twice: number };

export interface Plan {
	seed: number;
	nodes: number;
	/** For each lan the nodes on it. */
	lans: number[][];
	leaderLost: number;
	followerLost: number;
	powers: Record<string, number>[];
	/** Pulses go as bytes. */
	wire: boolean;
	faultsMs: number;
	faults: Fault[];
}

export interface Taste {
	/** No cuts, pauses and heavy losses: then no two servers may ever have the same bucket. */
	connected?: boolean;
	nodes?: number;
}

export const pulseMs = 100;
export const nameOf = (node: number): string => `server${node + 1}`;

export function planOf(seed: number, taste: Taste = {}): Plan {
	const random = new Random(seed * 7919 + 17);
	const nodes = taste.nodes ?? (random.chance(0.7) ? random.between(2, 5) : random.between(6, 16));
	const all = Array.from({ length: nodes }, (_, node) => node);
	const connected = taste.connected ?? random.chance(0.3);
	const faultsMs = random.between(2, 9) * 1000;
	const lans = [all];
	// The second lan may lack some: they are heard through others when the first one is cut.
	if (random.chance(0.6)) lans.push(all.filter(() => random.chance(0.8)));
	const powers = Array.from({ length: random.between(1, 2) }, () =>
		Object.fromEntries(
			all.filter(() => random.chance(0.3)).map((node) => [nameOf(node), random.pick([0, 1, 2, 3, 64])]),
		),
	);
	const plan: Plan = {
		seed,
		nodes,
		lans,
		leaderLost: random.pick([5, 10, 20]),
		followerLost: random.pick([5, 10]),
		powers,
		wire: random.chance(0.05),
		faultsMs,
		faults: [],
	};
	const count = random.between(1, 3 + nodes);
	for (let n = 0; n < count; n++) plan.faults.push(faultOf(random, plan, connected));
	plan.faults.sort((a, b) => a.atMs - b.atMs);
	return plan;
}

function faultOf(random: Random, plan: Plan, connected: boolean): Fault {
	const { nodes, faultsMs } = plan;
	const node = random.between(0, nodes - 1);
	const at = { atMs: random.between(0, faultsMs), node };
	const forMs = random.pick([50, 300, 700, 1100, 1600, 2500, 4000]) + random.between(0, 200);
	const kinds = ["crash", "kill", "stop", "wish", "wish", "slow", "bad"] as const;
	switch (random.pick(connected ? kinds : ([...kinds, "pause", "pause", "cut", "cut", "cut", "cut"] as const))) {
		case "crash":
			return { is: "crash", ...at, forMs, clockBackMs: random.chance(0.2) ? random.between(100, 20_000) : 0 };
		case "kill":
			return { is: "kill", ...at, threadMs: random.between(50, 2500), restMs: random.between(0, 2500) };
		case "pause":
			return { is: "pause", ...at, forMs };
		case "stop":
			return { is: "stop", ...at, forMs };
		case "wish":
			return { is: "wish", ...at, open: plan.powers.map(() => random.chance(0.6)) };
		case "slow":
			return { is: "slow", ...at, applyMs: random.pick([20, 100, 400, 1500]), forMs };
		case "bad": {
			const heavy = !connected && random.chance(0.4);
			const loss = heavy ? random.pick([0.2, 0.5, 0.9]) : random.pick([0, 0.02, 0.1]);
			return { is: "bad", atMs: at.atMs, forMs, loss, delayMs: random.pick([1, 20, 80]), twice: random.pick([0, 0.3]) };
		}
		case "cut":
			return { is: "cut", atMs: at.atMs, forMs, ...sidesOf(random, nodes), lan: cutLan(random, plan) };
	}
}

const cutLan = (random: Random, { lans }: Plan): number | null =>
	lans.length > 1 && random.chance(0.4) ? random.between(0, lans.length - 1) : null;

/** One node from all, one from one, two sides; in one direction or both. */
function sidesOf(random: Random, nodes: number): { from: number[]; to: number[] } {
	const all = Array.from({ length: nodes }, (_, node) => node);
	const one = random.between(0, nodes - 1);
	const other = (one + random.between(1, nodes - 1)) % nodes;
	const side = all.filter(() => random.chance(0.5));
	const rest = all.filter((node) => !side.includes(node));
	switch (random.between(0, 4)) {
		case 0:
			return { from: [one], to: [other] };
		case 1:
			return { from: [one], to: all };
		case 2:
			return { from: all, to: [one] };
		case 3:
			return { from: side, to: rest };
		default:
			// Each to the other side: frames between the two are lost in both directions.
			return { from: all, to: all };
	}
}
