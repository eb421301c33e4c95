/** Runs a farm through its plan. The same plan gives the same run on every machine. */
import type { FarmModule } from "../../../core/engine/farm/group.ts";
import { Random } from "../random.ts";
import { Network } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { type Fault, nameOf, type Plan, planOf, pulseMs, type Taste } from "./plan.ts";
import { Queue } from "./queue.ts";
import { allRules, type RuleName, type Rules } from "./rules.ts";
import { Server, type Surroundings } from "./server.ts";

export interface Outcome {
	violations: { invariant: string; atMs: number; what: string }[];
	servers: readonly Server[];
}

export interface Found {
	seed: number;
	invariant: string;
	what: string;
	plan: Plan;
}

const watchMs = 20;
/** After the last fault: what is down comes back, then the group must settle. */
const returnMs = 6500;
const settleMs = 7000;

export class Farm {
	readonly queue = new Queue();
	readonly network: Network;
	readonly servers: Server[];
	readonly oracle: Oracle;
	readonly #plan: Plan;

	constructor(plan: Plan, rules: Rules = allRules, trace: (line: string) => void = () => undefined) {
		this.#plan = plan;
		const random = new Random(plan.seed);
		this.network = new Network(plan, random, this.queue);
		this.servers = [];
		const surroundings: Surroundings = {
			queue: this.queue,
			random,
			network: this.network,
			rules,
			servers: this.servers,
			wire: plan.wire,
			changed: () => this.oracle.checkOwners(),
			trace: (line) => trace(`${this.queue.nowMs.toFixed(1)} ${line}`),
		};
		for (let node = 0; node < plan.nodes; node++) this.servers.push(new Server(moduleOf(plan, node), surroundings));
		this.oracle = new Oracle(plan, this.servers, this.network, this.queue);
		for (const server of this.servers) this.queue.after(random.between(0, 300), () => server.start());
		for (const fault of plan.faults) this.queue.after(3000 + fault.atMs, () => this.#happens(fault, trace));
		this.#watch();
	}

	#watch(): void {
		this.oracle.watch();
		this.oracle.checkOwners();
		this.queue.after(watchMs, () => this.#watch());
	}

	#happens(fault: Fault, trace: (line: string) => void): void {
		trace(`${this.queue.nowMs.toFixed(1)} ${JSON.stringify(fault)}`);
		if (fault.is === "cut") this.network.cut(fault);
		else if (fault.is === "bad") this.network.worsen(fault);
		else this.#befalls(this.servers[fault.node] as Server, fault);
	}

	#befalls(server: Server, fault: Exclude<Fault, { is: "cut" | "bad" }>): void {
		switch (fault.is) {
			case "crash":
				if (server.membership === null) return;
				server.crash(fault.clockBackMs);
				this.queue.after(fault.forMs, () => server.membership === null && server.start());
				return;
			case "kill":
				server.kill(fault.threadMs, fault.restMs);
				return;
			case "pause":
				server.pause(fault.forMs);
				return;
			case "stop":
				server.stop();
				this.queue.after(1600 + fault.forMs, () => server.membership === null && server.start());
				return;
			case "wish":
				server.wish(fault.open);
				return;
			case "slow":
				server.applyMs = fault.applyMs;
				this.queue.after(fault.forMs, () => {
					server.applyMs = 3;
				});
		}
	}

	/** All of it, to the end. */
	run(): Outcome {
		try {
			const faultsEndMs = 3000 + this.#plan.faultsMs;
			this.queue.until(faultsEndMs);
			this.network.heal();
			for (const server of this.servers) server.resume();
			this.queue.until(faultsEndMs + returnMs + settleMs);
			this.oracle.checkEnd();
			this.oracle.checkMoves();
		} catch (error) {
			this.oracle.report("assertion", String((error as Error).stack));
		}
		return { violations: this.oracle.violations, servers: this.servers };
	}
}

function moduleOf(plan: Plan, node: number): FarmModule {
	const nodes = Array.from({ length: plan.nodes }, (_, n) => nameOf(n));
	return {
		module: "farm",
		id: 1,
		port: 4803,
		node: nameOf(node),
		nodes,
		pulseMs,
		leaderLost: plan.leaderLost,
		followerLost: plan.followerLost,
		virtual: [],
		lans: [],
		groups: plan.powers.map((powers, group) => ({ name: `group${group}`, powers })),
		key: "",
	};
}

/** A farm in which nothing happens but what is added. */
export function quietPlan(nodes: number, more: Partial<Plan> = {}): Plan {
	const all = Array.from({ length: nodes }, (_, node) => node);
	return {
		seed: 1,
		nodes,
		lans: [all],
		leaderLost: 20,
		followerLost: 10,
		powers: [{}],
		wire: true,
		faultsMs: 1000,
		faults: [],
		...more,
	};
}

export function runPlan(plan: Plan, rules: Rules = allRules, trace?: (line: string) => void): Outcome {
	return new Farm(plan, rules, trace).run();
}

/** Many farms, one for each seed; what fails comes with a plan from which all faults were left out that it does not need. */
export function simulateFarms(of: {
	runs: number;
	seed: number;
	without?: RuleName;
	taste?: Taste;
	first?: boolean;
	/** Called after each. */
	progress?(done: number, found: number): void;
}): Found[] {
	const rules = of.without === undefined ? allRules : { ...allRules, [of.without]: false };
	const found: Found[] = [];
	for (let seed = of.seed; seed < of.seed + of.runs; seed++) {
		const plan = planOf(seed, of.taste);
		const [violation] = runPlan(plan, rules).violations;
		if (violation !== undefined) {
			const { invariant, what } = violation;
			found.push({ seed, invariant, what, plan: shrunk(plan, invariant, rules) });
		}
		of.progress?.(seed - of.seed + 1, found.length);
		if (found.length >= (of.first ? 1 : 5)) break;
	}
	return found;
}

function shrunk(plan: Plan, invariant: string, rules: Rules): Plan {
	let small = plan;
	for (const fault of plan.faults) {
		const without = { ...small, faults: small.faults.filter((other) => other !== fault) };
		if (runPlan(without, rules).violations[0]?.invariant === invariant) small = without;
	}
	return small;
}
