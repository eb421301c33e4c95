/**
 * A farm's module on this node: it is in the group while it is not stopped, wants clients while its application runs,
 * and brings what the group agrees on into the kernel's filter.
 */
import type { FarmControl } from "../../cli/control.ts";
import type { Alarm, Clock } from "../../engine/clock.ts";
import type { LogLevel, MainState } from "../../engine/contract.ts";
import { type FarmModule, type FarmView, type FarmWish, leaderLossMs, loadOf } from "../../engine/farm/group.ts";
import { SafekitError } from "../../errors.ts";
import type { FromHeart } from "../../heartbeat/service.ts";
import type { FarmAddresses } from "../../vip/farm/service.ts";
import type { HeartLink } from "../heart.ts";
import { Told } from "./told.ts";

/** What is given away is taken by the others within milliseconds; nobody waits longer for one that does not. */
const closeMs = 2000;
/** Who is the first of a group has to listen for the others before it answers. */
const [openMoreMs, openMostMs] = [3000, 30_000];
/** A filter that could not be written is written again. */
const retryMs = 500;

export interface FarmParts {
	farm: FarmModule;
	/** Scripts of the module open and close its traffic. */
	scriptControl: boolean;
	/** How many rules each group has. */
	rules: ReadonlyMap<string, number>;
	/** Null: clients come through a load balancer, or by the servers' own addresses. */
	addresses: Pick<FarmAddresses, "set" | "unset" | "hear" | "share" | "resume" | "close"> | null;
	/** The farm by the cluster.xml and key that are in force, if it runs with older ones. */
	successor: FarmModule | null;
	heart: Pick<HeartLink, "farm" | "succeed" | "wish" | "wishOf" | "applied" | "listen" | "stop">;
	clock: Clock;
	main(): MainState;
	/** Its application runs, and no plan does. */
	ready(): boolean;
	log(level: LogLevel, text: string): void;
	setResource(name: string, value: string): void;
	/** What persons see of the group has changed. */
	changed(): void;
	/** Other messages than views. */
	hear(message: FromHeart): void;
}

interface Waiter {
	fulfilled(view: FarmView): boolean;
	done(settled: boolean): void;
}

export class FarmPlace implements FarmControl {
	readonly module: FarmModule;
	readonly scriptControl: boolean;
	readonly #parts: FarmParts;
	readonly #told: Told;
	readonly #waiting = new Set<Waiter>();
	#wish: FarmWish;
	#member = false;
	#listening = false;
	#closed = false;
	/** The newest that was heard, and what the filter obeys. */
	#heard: FarmView | null = null;
	#view: FarmView | null = null;
	#applying = false;
	#retry: Alarm | undefined;
	#trouble = "";

	constructor(parts: FarmParts) {
		this.#parts = parts;
		this.module = parts.farm;
		this.scriptControl = parts.scriptControl;
		// What an earlier daemon wanted holds until a step of a plan says otherwise.
		this.#wish = parts.heart.wishOf(this.module.module) ?? { open: [] };
		this.#told = new Told(parts);
	}

	/** By its next start it will be another one. */
	get outdated(): boolean {
		return this.#parts.successor !== null;
	}

	get view(): FarmView | null {
		return this.#view;
	}

	/** The module is in a main state from now on. */
	announce(main: MainState): void {
		const { heart } = this.#parts;
		if (main !== "STOP" && !this.#member) {
			this.#member = true;
			heart.farm(this.module, this.#wish);
			if (this.#listening) this.#listen();
		} else if (main === "STOP" && this.#member) this.#leave();
	}

	/** Another cluster.xml is in force, by which the module will go from its next start on. */
	clusterChanged(successor: FarmModule | null): void {
		if (this.#member && successor !== null) this.#parts.heart.succeed(successor);
	}

	/** The stored state is taken up. `running`: an earlier daemon left the module as it was. */
	async connect(running: boolean): Promise<void> {
		const { addresses, heart } = this.#parts;
		const main = this.#parts.main();
		// The note of what an earlier daemon wanted may be lost, as on a full disk: the state says it too.
		if (running && heart.wishOf(this.module.module) === null && this.#parts.ready() && !this.scriptControl) {
			this.#wish = this.#all;
		}
		// A state that is taken up as it was has announced nothing.
		this.announce(main);
		this.#listening = true;
		if (this.#member) this.#listen();
		else heart.stop(this.module.module);
		if (!running) this.#told.nothing();
		this.clusterChanged(this.#parts.successor);
		if (running && main === "UP") await this.#resume();
		// In WAIT a stop that goes on takes away what is left.
		else if (!running || main === "STOP") await addresses?.unset();
	}

	/** Whoever cannot have its addresses again leaves its clients to the others. */
	async #resume(): Promise<void> {
		try {
			await this.#parts.addresses?.resume();
		} catch (error) {
			this.#want({ open: [] });
			throw error;
		}
	}

	/** The daemon ends, the module runs on. */
	disconnect(): void {
		this.#closed = true;
		this.#retry?.cancel();
		for (const { done } of this.#waiting) done(false);
		this.#parts.addresses?.close();
	}

	/** A step of a plan: the addresses come with a closed filter, and go with all that was answered here. */
	async set(on: boolean): Promise<void> {
		const { addresses } = this.#parts;
		if (on) await addresses?.set();
		else {
			this.#want({ open: [] });
			await addresses?.unset();
		}
		this.#bring();
	}

	/** A step of a plan. Where scripts open the traffic, it is only closed without them. */
	async traffic(open: boolean): Promise<void> {
		if (open && this.scriptControl) return;
		if (await this.#ask(open)) return;
		this.#parts.log(
			"W",
			`The group of the farm has not settled in time: clients ${open ? "come" : "are taken over"} later`,
		);
	}

	async script(open: boolean): Promise<void> {
		if (!this.scriptControl) {
			const message = `The traffic of module '${this.module.module}' follows its state, not its scripts.`;
			throw new SafekitError("FARM_SCRIPTCONTROL", message);
		}
		if (open && this.#parts.main() !== "UP") {
			throw new SafekitError("MODULE_NOT_STARTED", `Module '${this.module.module}' is ${this.#parts.main()}, not UP.`);
		}
		if (await this.#ask(open)) return;
		throw new SafekitError("FARM_UNSETTLED", `The group of module '${this.module.module}' has not settled in time.`);
	}

	get #all(): FarmWish {
		return { open: this.module.groups.map(({ name }) => name) };
	}

	/** True once the group has settled with it; false if that takes too long. */
	#ask(open: boolean): Promise<boolean> {
		const before = this.#heard?.version ?? 0;
		const changed = this.#want(open ? this.#all : { open: [] });
		const fulfilled = (view: FarmView): boolean => {
			if (!view.settled) return false;
			return open ? !changed || view.version > before : this.#load(view) === 0;
		};
		if (this.module.groups.length === 0 || (this.#view !== null && fulfilled(this.#view))) return Promise.resolve(true);
		// Nothing was agreed on yet, so there is nothing to give away.
		if (!open && this.#heard === null) return Promise.resolve(true);
		const mostMs = open ? Math.min(leaderLossMs(this.module) + openMoreMs, openMostMs) : closeMs;
		return new Promise((resolve) => {
			const timer = this.#parts.clock.after(mostMs, () => waiter.done(false));
			const waiter: Waiter = {
				fulfilled,
				done: (settled) => {
					timer.cancel();
					this.#waiting.delete(waiter);
					resolve(settled);
				},
			};
			this.#waiting.add(waiter);
		});
	}

	/** True if that is something else than before. */
	#want(wish: FarmWish): boolean {
		if (JSON.stringify(wish) === JSON.stringify(this.#wish)) return false;
		this.#wish = wish;
		if (this.#member) this.#parts.heart.wish(this.module.module, wish);
		return true;
	}

	#listen(): void {
		this.#parts.heart.listen(this.module.module, (message) => {
			if (message.is !== "farm") return this.#parts.hear(message);
			this.#heard = message.view;
			this.#parts.addresses?.hear(message.view);
			this.#bring();
		});
	}

	#leave(): void {
		this.#member = false;
		this.#wish = { open: [] };
		this.#parts.heart.stop(this.module.module);
		this.#parts.addresses?.hear(null);
		[this.#heard, this.#view] = [null, null];
		this.#told.nothing();
		this.#parts.changed();
	}

	/** Brings what was heard last into the filter, and says so to the group. */
	#bring(): void {
		if (!this.#applying) void this.#bringAll();
	}

	async #bringAll(): Promise<void> {
		this.#applying = true;
		this.#retry?.cancel();
		try {
			for (let done: FarmView | null = null; this.#heard !== done && !this.#closed; ) {
				const view: FarmView | null = this.#heard;
				if (view === null) return;
				await this.#parts.addresses?.share(view);
				done = view;
				this.#inForce(view);
			}
			this.#trouble = "";
		} catch (error) {
			this.#failed(error instanceof Error ? error.message : String(error));
		} finally {
			this.#applying = false;
		}
	}

	/** The members whose clients wait for this node's word come first. */
	#inForce(view: FarmView): void {
		if (!this.#member || this.#closed) return;
		this.#parts.heart.applied(this.module.module, view.version);
		this.#view = view;
		for (const waiter of [...this.#waiting]) if (waiter.fulfilled(view)) waiter.done(true);
		if (view.settled) this.#told.tell(view);
		this.#parts.changed();
	}

	/** Not confirmed: the others go on without this node once its lease is over. */
	#failed(why: string): void {
		if (why !== this.#trouble) this.#parts.log("E", `The filter of the virtual addresses cannot be changed: ${why}`);
		this.#trouble = why;
		if (!this.#closed) this.#retry = this.#parts.clock.after(retryMs, () => this.#bring());
	}

	#load({ groups }: FarmView): number {
		return groups.reduce((sum, share) => sum + loadOf(share, this.module.node), 0);
	}
}
