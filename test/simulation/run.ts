/** One run: a cluster made from a seed, its faults, its clients, and the time it needs to settle afterwards. */
import type { ModeConfig } from "../../core/engine/contract.ts";
import { meet } from "../../core/engine/meeting.ts";
import { keyCount } from "./disk.ts";
import { Disks } from "./disks.ts";
import { type Fault, makeDiskFaults, makeFaults, makeRuleFaults, makeShape, type Shape } from "./faults.ts";
import { SimNode } from "./node.ts";
import { Oracle, type Violation } from "./oracle.ts";
import { Random } from "./random.ts";
import type { SimulatedRules } from "./rules.ts";
import { Transitions } from "./transitions.ts";
import { Witness } from "./witness.ts";
import { World } from "./world.ts";

/** Virtual time after the last fault within which the pair must be PRIM and SECOND again. */
const settleMs = 240_000;
/** Held starts try again after a minute; a person looks after this long. */
const personMs = 20_000;
const timeoutMs = 2_000;
const lockTimeoutMs = 6_000;

export interface Result {
	seed: number;
	violations: Violation[];
	faults: Fault[];
	shape: Shape;
	seen: Set<string>;
	acknowledged: number;
}

/** What a seed leaves open for the caller to say. */
export interface Given {
	faults?: Fault[];
	shape?: Shape;
	/** Without faults of disks and rules, and with marks that take no time. */
	plain?: boolean;
	/** Whether invariant 5 is looked at after everything that happens; true by default. */
	instant?: boolean;
	trace?: (text: string) => void;
}

export function runSeed(seed: number, rules: SimulatedRules, given: Given = {}): Result {
	const random = new Random(seed);
	const made = makeShape(random);
	const planned = makeFaults(random, made);
	const shape = given.shape ?? made;
	const plain = given.plain === true;
	const ofDisks = plain ? [] : makeDiskFaults(new Random(seed ^ 0x3c6ef372), shape);
	const cluster = new Cluster(new Random(seed ^ 0x5bd1e995), shape, rules, given.trace ?? null);
	cluster.world.plain = plain;
	cluster.oracle.looksAlways = given.instant !== false;
	const ofRules = plain ? [] : makeRuleFaults(new Random(seed ^ 0x1b873593), shape);
	const list = given.faults ?? [...planned, ...ofDisks, ...ofRules].sort((a, b) => a.atMs - b.atMs);
	cluster.run(list);
	const { oracle, transitions } = cluster;
	return {
		seed,
		violations: oracle.violations,
		faults: list,
		shape,
		seen: transitions.seen,
		acknowledged: oracle.acknowledgedCount,
	};
}

function modeConfig(shape: Shape, rules: SimulatedRules, index: number): ModeConfig {
	const names = ["node1", "node2"] as const;
	return {
		module: "sim",
		node: names[index] as string,
		peer: names[1 - index] as string,
		heartbeats: shape.lans === 2 ? ["default", "flow"] : ["default"],
		timeoutMs,
		replicated: shape.replicated,
		async: shape.async,
		lockTimeoutMs,
		sendTimeoutMs: 3_000,
		syncDeltaMs: 0,
		syncAt: false,
		defaultprim: shape.defaultprim,
		failover: shape.failover,
		maxloop: 50,
		loopIntervalMs: 86_400_000,
		automaticReboot: false,
		splitbrainPing: shape.guard === "ping",
		leaseWitness: shape.guard === "lease" && shape.replicated,
		rules,
	};
}

interface Checkpoint {
	own: number;
	peer: number;
}

class Cluster {
	readonly world: World;
	readonly oracle: Oracle;
	readonly transitions = new Transitions();
	readonly witness: Witness;
	readonly nodes: [SimNode, SimNode];
	readonly shape: Shape;
	readonly #disks: Disks;

	constructor(random: Random, shape: Shape, rules: SimulatedRules, trace: ((text: string) => void) | null) {
		this.shape = shape;
		this.oracle = new Oracle(shape.guard === "lease" && shape.replicated);
		this.world = new World(random, rules, this.oracle, shape.lans);
		this.world.trace = trace;
		this.oracle.now = () => this.world.nowMs;
		this.witness = new Witness(this.world);
		this.oracle.namedAlone = (node, term) => {
			const { record } = this.witness;
			return record !== null && record.term > term && record.current.length === 1 && record.current[0] === node;
		};
		const make = (index: 0 | 1): SimNode =>
			new SimNode(this.world, index, {
				config: modeConfig(shape, rules, index),
				witness: this.witness,
				transitions: this.transitions,
				lan: shape.lans - 1,
			});
		this.nodes = [make(0), make(1)];
		const [a, b] = this.nodes;
		a.peer = b;
		b.peer = a;
		a.replica.peer = b.replica;
		b.replica.peer = a.replica;
		this.oracle.watch(a.replica, b.replica);
		this.#disks = new Disks([a.replica, b.replica], this.oracle);
	}

	run(faults: Fault[]): undefined {
		const { world } = this;
		for (const node of this.nodes) {
			node.startDaemon(true);
			world.after(world.random.between(10, 1500), () => node.command("start"));
			this.#client(node);
		}
		world.after(4_000, () => this.#firstPrimary());
		for (const fault of faults) world.after(fault.atMs, () => this.#begin(fault, faults));
		this.#watch();
		const lastMs = Math.max(this.shape.runMs, ...faults.map((fault) => fault.atMs + fault.forMs)) + 100;
		const failed = (): boolean => this.oracle.violations.length > 0;
		world.run(lastMs, failed);
		for (const fault of faults) this.#end(fault);
		this.#person();
		let settledMs = -1;
		world.run(lastMs + settleMs, () => {
			if (failed()) return true;
			if (!this.#isSettled()) settledMs = -1;
			else if (settledMs < 0) settledMs = world.nowMs;
			return settledMs >= 0 && world.nowMs - settledMs > 4_000;
		});
		if (failed()) return;
		if (settledMs < 0) return this.oracle.violation("settles", this.nodes.map((node) => describe(node)).join("; "));
		this.#compareAtEnd();
	}

	#isSettled(): boolean {
		const states = this.nodes.map((node) => `${node.state.main} ${node.state.status}`).sort();
		return states[0] === "PRIM Ready" && states[1] === "SECOND Ready" && this.nodes.every((n) => n.state.plan === null);
	}

	/** Clients stop; what is on its way arrives; then the trees are compared. */
	#compareAtEnd(): undefined {
		if (!this.shape.replicated) return;
		this.#clientsRun = false;
		this.world.run(this.world.nowMs + 3_000, () => false);
		if (!this.#isSettled()) return;
		const primary = this.nodes.find((node) => node.state.main === "PRIM");
		if (primary !== undefined) this.oracle.settled(primary.replica);
	}
	#clientsRun = true;

	/** The application: changes files as fast as it is answered, one call after the other. */
	#client(node: SimNode): undefined {
		const { world, oracle } = this;
		const { replica } = node;
		const next = (delayMs: number): undefined => world.after(delayMs, turn);
		const turn = (): undefined => {
			const runs = node.powered && node.application && node.pausedUntilMs <= world.nowMs && replica.alive();
			if (!runs || !this.#clientsRun || replica.source === null) return next(150);
			const key = world.random.between(0, keyCount - 1);
			const taken = replica.source.write(key, (old) => oracle.nextValue(old), world.random.chance(0.35));
			next(taken ? world.random.between(20, 220) : 60);
		};
		next(world.random.between(10, 300));
	}

	/** The first `safekit prim` of a new pair, as the log asks for it. */
	#firstPrimary(): undefined {
		if (!this.shape.replicated) return;
		const [first] = this.nodes;
		if (this.nodes.every((node) => node.replica.records.epoch === null)) {
			if (first.state.phase === "waiting") first.command("prim");
			this.world.after(3_000, () => this.#firstPrimary());
		}
	}

	/** Invariant 9, and what the epochs say of the past. */
	#watch(): undefined {
		const { world } = this;
		this.#strangers();
		if (world.nowMs % 4_000 < 1_000) this.#disks.keep();
		for (const { replica, pausedUntilMs, disturbedMs } of this.nodes) {
			const oldest = replica.source?.oldestMs ?? null;
			const quiet = pausedUntilMs < world.nowMs - lockTimeoutMs - 6_000 && disturbedMs < world.nowMs - 20_000;
			if (oldest === null || !replica.runs() || !quiet) continue;
			const waitedMs = world.nowMs - oldest;
			if (waitedMs > lockTimeoutMs + 6_000) this.oracle.violation("9", `a change has waited for ${waitedMs} ms`);
		}
		world.after(1_000, () => this.#watch());
	}

	/** Somebody who reads `why` and does what it says, when nothing moves any more. */
	#person(): undefined {
		const loser = this.#strangers() ? this.#loser() : null;
		for (const node of this.nodes) {
			if (!node.powered) node.powerOn();
			if (node.daemon === 0) node.startDaemon(false);
			if (node === loser) {
				const { phase } = node.state;
				if (phase === "waiting" || phase === "stopped") node.command("second", { fullsync: true });
				else if (phase === "primary") {
					node.command("stop");
					this.world.after(5_000, () => node.command("second", { fullsync: true }));
				}
				continue;
			}
			if (node === this.#putBack()) {
				if (node.state.phase === "primary") node.command("stop");
				// It had everything of a session that the other one no longer knows: they have to meet anew.
				if (node.peer.state.phase === "secondary" && !node.state.serving) node.peer.command("stopstart");
			}
			if (node.state.phase === "stopped") node.command("start");
			if (node.state.degraded) node.command("stopstart");
			if (node.state.failoverHeld && node.peer.state.failoverHeld) node.command("failover", { on: true });
		}
		this.world.after(personMs, () => this.#person());
	}

	/** Its disk was put back in time, and it runs the application or waits: its log says what to do. */
	#putBack(): SimNode | undefined {
		const [a, b] = this.nodes.map(({ replica }) => replica.records.checkpoint) as [Checkpoint, Checkpoint];
		return a.own < b.peer ? this.nodes[0] : b.own < a.peer ? this.nodes[1] : undefined;
	}

	/** Two persons declared two trees valid that never met: the one that runs no application is given up. */
	#loser(): SimNode {
		return this.nodes.find((node) => !node.state.serving) ?? this.nodes[1];
	}

	/**
	 * The table refuses the two disks as UNRELATED exactly when no declaration of validity is behind both. Only a line
	 * that went on more often than its history is long may have forgotten the other.
	 */
	#strangers(): boolean {
		const [mine, theirs] = this.nodes.map(({ name, replica }) => {
			return { node: name, records: replica.records, serves: false, fullsync: null };
		}) as [Parameters<typeof meet>[0], Parameters<typeof meet>[1]];
		const refused = meet(mine, theirs).outcome === "UNRELATED";
		const forgets = [mine, theirs].some(({ records }) => (records.epoch?.history.length ?? 0) >= 8);
		const strangers = this.oracle.areStrangers();
		if (refused ? !strangers && !forgets : strangers) {
			const epochs = [mine, theirs].map(({ records }) => JSON.stringify(records.epoch)).join(" and ");
			this.oracle.violation("epochs", `${refused ? "a" : "no"} common history, but ${epochs}`);
		}
		return refused;
	}

	#begin(fault: Fault, all: Fault[]): undefined {
		const { world } = this;
		const node = this.nodes[fault.node];
		world.log(`== ${JSON.stringify(fault)}`);
		if (!this.oracle.lease && maySplitBrain(fault, all, this.shape)) this.oracle.splitPossible = true;
		switch (fault.do) {
			case "powerLoss":
				this.#cutPower(node);
				break;
			case "bothPower":
				for (const each of this.nodes) this.#cutPower(each);
				break;
			case "killReplication":
				if (node.replica.target !== null) this.oracle.hit(node.index);
				node.replica.kill();
				break;
			case "killDaemon":
				node.killDaemon();
				break;
			case "rollBack":
				this.#cutPower(node);
				if (!node.powered) this.#disks.rollBack(node.replica);
				break;
			case "byHand":
				this.#disks.changeByHand(node.replica, fault.key);
				break;
			case "pause":
				node.pausedUntilMs = Math.max(node.pausedUntilMs, world.nowMs + fault.forMs);
				node.disturbedMs = node.pausedUntilMs;
				break;
			case "slowDisk":
				node.slowDiskUntilMs = world.nowMs + fault.forMs;
				break;
			case "slowScripts":
				node.slowScriptsUntilMs = world.nowMs + fault.forMs;
				break;
			case "applyFails":
				if (node.replica.target !== null) this.oracle.hit(node.index);
				node.replica.target?.spoil();
				break;
			case "command":
				this.#command(node, fault.command);
				break;
			case "resource":
				node.rules.set(fault.action, true);
				break;
			default:
				this.#disturb(fault, true);
		}
		world.after(fault.forMs, () => this.#end(fault));
	}

	#cutPower(node: SimNode): undefined {
		if (!node.powered) return;
		this.world.log(`== ${node.name} loses power`);
		node.powerLoss();
		this.oracle.hit(node.index);
	}

	#command(node: SimNode, command: Parameters<SimNode["command"]>[0]): undefined {
		const byPerson = command === "prim" || command === "primforce";
		// Against a lease witness only a person who knows the other to be dead may force; the simulator does not.
		if (byPerson && node.config.leaseWitness) return;
		if (byPerson) this.oracle.splitPossible = true;
		if (byPerson && node.state.phase !== "stopped" && node.state.phase !== "waiting") node.command("stop");
		node.command(command, { request: 1 });
	}

	#end(fault: Fault): undefined {
		const node = this.nodes[fault.node];
		const off = fault.do === "powerLoss" || fault.do === "rollBack";
		if (off && !node.powered) node.powerOn();
		else if (fault.do === "bothPower") {
			for (const each of this.nodes) {
				const bootMs = this.world.random.between(0, 4_000);
				this.world.after(bootMs, () => {
					if (!each.powered) this.#boot(each);
				});
			}
		} else if (fault.do === "killDaemon") node.startDaemon(false);
		else if (fault.do === "resource") node.rules.set(fault.action, false);
		else if (fault.do !== "command") this.#disturb(fault, false);
		if (off) this.#boot(node);
	}

	/** Modules are started at boot. */
	#boot(node: SimNode): undefined {
		if (!node.powered) node.powerOn();
		if (node.state.phase === "stopped") node.command("start", { who: "boot" });
	}

	#disturb(fault: Fault, on: boolean): undefined {
		const cutLan = (lan: number, ways: 0 | 1 | 2): undefined => {
			const { cut } = this.world.lans[lan] as (typeof this.world.lans)[number];
			if (ways !== 1) cut[0] = on;
			if (ways !== 0) cut[1] = on;
		};
		if (fault.do === "cut") cutLan(fault.lan, fault.ways);
		else if (fault.do === "cutAll") for (const lan of this.world.lans.keys()) cutLan(lan, 2);
		else if (fault.do === "lossy") {
			const lan = this.world.lans[fault.lan] as (typeof this.world.lans)[number];
			lan.loss = on ? [fault.loss, fault.loss] : [0, 0];
			lan.delayMs = on ? [fault.delayMs, fault.delayMs] : [2, 2];
		} else if (fault.do === "witnessDown") this.witness.down = on;
		else if (fault.do === "witnessCut") this.witness.cut[fault.node] = on;
		else if (fault.do === "pingsFail") for (const node of this.nodes) node.pings = !on;
	}
}

/** Conservative: the fault may leave both nodes alive and deaf to each other on every path. */
function maySplitBrain(fault: Fault, all: Fault[], shape: Shape): boolean {
	if (fault.do === "cutAll" || fault.do === "pause") return true;
	const cuts = all.filter((each) => each.do === "cut" || each.do === "lossy");
	const networks = new Set(cuts.map((each) => each.lan)).size;
	if (fault.do === "cut" || fault.do === "lossy") return shape.lans === 1 || networks > 1 || deaf(all);
	return deaf([fault]) && cuts.length > 0;
}

const deaf = (faults: Fault[]): boolean =>
	faults.some(({ do: what }) => what === "killDaemon" || what === "killReplication");

function describe(node: SimNode): string {
	const { state } = node;
	const view = `${state.main} ${state.status} (${state.phase}, plan ${state.plan?.kind ?? "none"}, rule ${state.rule})`;
	return `${node.name} ${view} ${state.why}`;
}
