/** Blows on all modules of a fleet at the same time, each at random moments, and what came of them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LabNode } from "../../../sdk/lab/node.ts";
import type { ChoresReport } from "../../replication/chores.ts";
import { Random } from "../../simulation/random.ts";
import type { Fleet, FleetModule } from "./fleet.ts";
import { findProcess, type Kind, kinds } from "./processes.ts";

/**
 * Of a module's replication process on one server: one more within a minute is the degraded mode (spec/01 M21). A death
 * counts from when it was healed: a daemon that is dead itself hears of it late.
 */
const mostDeaths = 3;
const deathsWithinMs = 61_000;
const mostPauseMs = 700;
const appearsMs = 60_000;
const lookMs = 20;
const mostLatest = 20;
/** Blows on a pair, then on the one that is alone; then the trees are compared and the servers swapped. */
const shifts = { pair: 12, alone: 6 };

interface Blow {
	kind: Kind;
	place: "PRIM" | "SECOND" | "ALONE";
	healedMs: number;
}

export class Siege {
	readonly #fleet: Fleet;
	readonly #left: Record<Kind, number>;
	readonly #random: Random;
	readonly #say: (line: string) => void;
	readonly #blows: Blow[] = [];
	readonly #wrong: string[] = [];
	readonly #longest: number[] = [];
	readonly #began = performance.now();
	/** Of all modules: the daemon is the same for all. */
	#latest: string[] = [];
	#steps = 0;
	#comparisons = 0;

	/** @param each how often each kind of process dies. */
	constructor(fleet: Fleet, each: number, seed: number, say: (line: string) => void) {
		this.#fleet = fleet;
		this.#left = { daemon: each, "replication process": each, holder: each };
		this.#random = new Random(seed);
		this.#say = say;
	}

	/** Everything that was noticed: nothing else ends it before its time. */
	async run(): Promise<string[]> {
		await Promise.all(this.#fleet.modules.map((module) => this.#besiege(module)));
		return this.#wrong;
	}

	/** Blows by kind and place with their times. */
	report(): string[] {
		const minutes = ((performance.now() - this.#began) / 60_000).toFixed(1);
		const lines = kinds.flatMap((kind) =>
			(["PRIM", "SECOND", "ALONE"] as const).map((place) => {
				const times = this.#blows.filter((blow) => blow.kind === kind && blow.place === place).map((b) => b.healedMs);
				return `${kind} of ${place}: ${times.length} deaths, healed after ${middle(times)} ms, at most ${Math.max(0, ...times)}`;
			}),
		);
		const stalls = this.#longest;
		return [
			...lines,
			`${this.#blows.length} deaths in ${minutes} minutes; ${this.#steps} steps of the applications, the longest step of a shift ${middle(stalls)} ms, at most ${Math.max(0, ...stalls)}; ${this.#comparisons} comparisons of both trees`,
		];
	}

	async #besiege(module: FleetModule): Promise<void> {
		const deaths = new Map<LabNode, number[]>();
		try {
			while (this.#isOn) {
				await this.#shift(module, deaths, shifts.pair);
				if (this.#isOn) {
					await module.stopSecond();
					await this.#shift(module, deaths, shifts.alone);
					await module.startSecond();
				}
				await this.#intermission(module);
			}
			this.#heard(await module.rest());
		} catch (error) {
			const latest = this.#latest.join("\n");
			this.#wrong.push(`${module.name}: ${(error as Error).message}\n${latest}\n${await module.logs()}`);
		}
	}

	get #isOn(): boolean {
		return this.#wrong.length === 0 && kinds.some((kind) => this.#left[kind] > 0);
	}

	async #shift(module: FleetModule, deaths: Map<LabNode, number[]>, count: number): Promise<void> {
		for (let n = 0; n < count && this.#isOn; n++) {
			const place = module.isAlone ? "ALONE" : this.#random.pick(["PRIM", "SECOND"] as const);
			const node = place === "SECOND" ? module.secondary : module.primary;
			const kind = this.#draw(node, deaths);
			if (kind === null) {
				// Only deaths that this server may not have yet are left.
				await sleep(500);
				continue;
			}
			await sleep(this.#random.between(0, mostPauseMs));
			const time = new Date().toISOString().slice(11, 23);
			this.#latest = [...this.#latest.slice(-mostLatest), `${time} ${module.name}: ${kind} of ${node.name}, ${place}`];
			const healedMs = await this.#strike(module, node, kind);
			if (kind === "replication process") deaths.set(node, [...(deaths.get(node) ?? []), performance.now()]);
			if (await module.noticed()) this.#heard(await module.rest());
			this.#blows.push({ kind, place, healedMs });
			if (this.#blows.length % 25 === 0) this.#say(`${this.#blows.length} deaths`);
		}
	}

	/** A kind of process that may die now on this server. */
	#draw(node: LabNode, deaths: Map<LabNode, number[]>): Kind | null {
		const now = performance.now();
		const recent = (deaths.get(node) ?? []).filter((at) => now - at < deathsWithinMs);
		const may = kinds.filter(
			(kind) => this.#left[kind] > 0 && (kind !== "replication process" || recent.length < mostDeaths),
		);
		if (may.length === 0) return null;
		const kind = this.#random.pick(may);
		this.#left[kind]--;
		return kind;
	}

	/** Milliseconds until another one is there and the module in service. */
	async #strike(module: FleetModule, node: LabNode, kind: Kind): Promise<number> {
		const before = await this.#appears(module, node, kind, null);
		const from = performance.now();
		process.kill(before, "SIGKILL");
		await this.#appears(module, node, kind, before);
		await module.serving();
		return Math.round(performance.now() - from);
	}

	/** The pid of such a process that is not this one. */
	async #appears(module: FleetModule, node: LabNode, kind: Kind, not: number | null): Promise<number> {
		const until = performance.now() + appearsMs;
		for (;;) {
			const pid = findProcess(node, kind, module.name, module.socket);
			if (pid !== null && pid !== not) return pid;
			if (performance.now() > until) throw new Error(`no other ${kind} on ${node.name} within ${appearsMs} ms`);
			await sleep(lookMs);
		}
	}

	/** The application rests: what it noticed, and whether both servers have the same. Then the other one serves. */
	async #intermission(module: FleetModule): Promise<void> {
		this.#heard(await module.rest());
		const different = await module.differences();
		this.#comparisons++;
		if (different.length > 0) throw new Error(`the servers differ: ${different.join("; ")}`);
		await module.swap();
		await module.work();
	}

	/** @throws Error with what the application noticed. */
	#heard({ steps, errors, longestMs }: ChoresReport): void {
		this.#steps += steps;
		this.#longest.push(Math.round(longestMs));
		if (errors.length > 0) throw new Error(errors.join("\n"));
	}
}

function middle(times: readonly number[]): number {
	return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
