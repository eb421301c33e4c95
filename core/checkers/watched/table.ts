/** All processes and services of this server, looked at once for all modules that ask at the same time. */
import type { Clock } from "../../engine/clock.ts";
import { systemClock } from "../../log/clock.ts";
import type { ProcessSystem, ServiceState } from "./system.ts";

/** What was seen at one moment. Details are read when they are first asked for. */
export interface Look {
	/** Pids by the name of the command, as the system keeps it. */
	readonly byName: ReadonlyMap<string, readonly number[]>;
	isRunning(pid: number): boolean;
	argumentsOf(pid: number): string;
}

/** A look that is not older is shared. */
const sharedMs = 500;
/** Questions for services that come within this time are asked together. */
const gatherMs = 20;

export class ProcessTable {
	readonly system: ProcessSystem;
	readonly #clock: Clock;
	#look: Promise<Look> | null = null;
	#takenMs = 0;
	#services: { names: Set<string>; states: Promise<Map<string, ServiceState>> } | null = null;

	constructor(system: ProcessSystem, clock: Clock = systemClock) {
		this.#clock = clock;
		this.system = system;
	}

	/** A name as the system keeps it. */
	shortened(name: string): string {
		return name.slice(0, this.system.nameLimit);
	}

	look(): Promise<Look> {
		const nowMs = this.#clock.nowMs();
		if (this.#look === null || nowMs - this.#takenMs > sharedMs) {
			this.#takenMs = nowMs;
			const look = this.#take();
			this.#look = look;
			look.catch(() => {
				if (this.#look === look) this.#look = null;
			});
			// Thousands of names are not kept until the next look.
			this.#clock.after(sharedMs, () => {
				if (this.#look === look) this.#look = null;
			});
		}
		return this.#look;
	}

	/** The states of services by name. */
	services(names: readonly string[]): Promise<Map<string, ServiceState>> {
		if (this.#services === null) {
			const asked = new Set<string>();
			const states = new Promise<void>((resolve) => void this.#clock.after(gatherMs, resolve)).then(() => {
				this.#services = null;
				return this.system.services([...asked]);
			});
			this.#services = { names: asked, states };
		}
		for (const name of names) this.#services.names.add(name);
		return this.#services.states;
	}

	async #take(): Promise<Look> {
		const byName = new Map<string, number[]>();
		for (const [pid, name] of await this.system.names()) {
			const others = byName.get(name);
			if (others === undefined) byName.set(name, [pid]);
			else others.push(pid);
		}
		const running = new Map<number, boolean>();
		const listed = new Map<number, string>();
		const once = <T>(kept: Map<number, T>, pid: number, read: (pid: number) => T): T => {
			const known = kept.get(pid);
			if (known !== undefined) return known;
			const value = read(pid);
			kept.set(pid, value);
			return value;
		};
		return {
			byName,
			isRunning: (pid) => once(running, pid, this.system.isRunning),
			argumentsOf: (pid) => once(listed, pid, this.system.argumentsOf),
		};
	}
}
