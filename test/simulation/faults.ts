/** What happens to a cluster: a list of faults and orders, made from the seed, so that a shrunk list can be replayed. */
import type { CommandName } from "../../core/engine/contract.ts";
import { keyCount } from "./disk.ts";
import { type SimulatedAction, simulatedActions } from "./failover.ts";
import type { Random } from "./random.ts";

export type Fault = { atMs: number; forMs: number; node: 0 | 1 } & (
	| { do: "powerLoss" | "killReplication" | "killDaemon" | "pause" | "slowDisk" | "slowScripts" | "applyFails" }
	| { do: "bothPower" | "cutAll" | "witnessDown" | "witnessCut" | "pingsFail" }
	| { do: "cut"; lan: number; ways: 0 | 1 | 2 }
	| { do: "lossy"; lan: number; loss: number; delayMs: number }
	| { do: "command"; command: CommandName }
	/** A resource goes down for which a failover rule acts. */
	| { do: "resource"; action: SimulatedAction }
	/** Power is lost, and the disk that comes back is an older one. */
	| { do: "rollBack" }
	/** Somebody changes a file underneath, while the module is stopped. */
	| { do: "byHand"; key: number }
);

/** The shape of a run: what is configured. */
export interface Shape {
	lans: 1 | 2;
	async: "second" | "none";
	guard: "lease" | "ping" | "none";
	replicated: boolean;
	defaultprim: string;
	failover: boolean;
	/** Both nodes are started for the first time by a person, or come up as a working pair. */
	runMs: number;
}

export function makeShape(random: Random): Shape {
	return {
		lans: random.chance(0.6) ? 2 : 1,
		async: random.chance(0.7) ? "second" : "none",
		guard: random.pick(["lease", "lease", "none", "none", "ping"]),
		replicated: !random.chance(0.08),
		defaultprim: random.pick(["alone", "alone", "alone", "node1", "node2", "lastprim"]),
		failover: !random.chance(0.08),
		runMs: random.between(15_000, 60_000),
	};
}

const commands: CommandName[] = [
	"stop",
	"start",
	"restart",
	"stopstart",
	"swap",
	"forcestop",
	"shutdown",
	"prim",
	"second",
	"start",
	"swap",
	"primforce",
];

export function makeFaults(random: Random, shape: Shape): Fault[] {
	const count = random.chance(0.3) ? random.between(8, 18) : random.between(1, 7);
	const faults: Fault[] = [];
	for (let i = 0; i < count; i++) faults.push(makeFault(random, shape));
	return faults.sort((a, b) => a.atMs - b.atMs);
}

function makeFault(random: Random, shape: Shape): Fault {
	const base = {
		atMs: random.between(2_000, shape.runMs),
		forMs: random.chance(0.5) ? random.between(100, 3_000) : random.between(2_000, 15_000),
		node: random.between(0, 1) as 0 | 1,
	};
	const kind = random.pick([
		"powerLoss",
		"powerLoss",
		"bothPower",
		"killReplication",
		"killDaemon",
		"pause",
		"slowDisk",
		"slowScripts",
		"applyFails",
		"cut",
		"cut",
		"cut",
		"cutAll",
		"cutAll",
		"lossy",
		"witnessDown",
		"witnessCut",
		"pingsFail",
		"command",
		"command",
		"command",
		"command",
	] as const);
	if (kind === "cut") {
		const lan = random.between(0, shape.lans - 1);
		return { ...base, do: kind, lan, ways: random.between(0, 2) as 0 | 1 | 2 };
	}
	if (kind === "lossy") {
		const lan = random.between(0, shape.lans - 1);
		return { ...base, do: kind, lan, loss: random.next() * 0.7, delayMs: random.between(2, 150) };
	}
	if (kind === "command") return { ...base, do: kind, command: random.pick(commands) };
	return { ...base, do: kind };
}

/** What happens to disks beside: drawn apart, so that the rest of a run stays what it was. */
export function makeDiskFaults(random: Random, shape: Shape): Fault[] {
	const base = (forMs: number) => ({
		atMs: random.between(5_000, shape.runMs),
		forMs,
		node: random.between(0, 1) as 0 | 1,
	});
	const faults: Fault[] = [];
	if (!shape.replicated) return faults;
	if (random.chance(0.25)) faults.push({ ...base(random.between(100, 8_000)), do: "rollBack" });
	for (let n = random.between(0, 4) - 1; n > 0; n--) {
		const at = base(0);
		const key = random.between(0, keyCount - 1);
		faults.push({ ...at, do: "command", command: random.chance(0.7) ? "stop" : "stopstart" });
		faults.push({ ...at, atMs: at.atMs + random.between(0, 3_000), forMs: 0, do: "byHand", key });
		faults.push({ ...at, atMs: at.atMs + random.between(4_000, 12_000), do: "command", command: "start" });
	}
	return faults;
}

/** What failover rules act on: drawn apart, so that the rest of a run stays what it was. */
export function makeRuleFaults(random: Random, shape: Shape): Fault[] {
	const count = random.chance(0.3) ? random.between(1, 5) : 0;
	return Array.from({ length: count }, () => ({
		atMs: random.between(2_000, shape.runMs),
		forMs: random.chance(0.3) ? random.between(100, 2_000) : random.between(1_000, 15_000),
		node: random.between(0, 1) as 0 | 1,
		do: "resource",
		action: random.pick(simulatedActions),
	}));
}
