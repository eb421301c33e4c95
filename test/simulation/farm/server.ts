/** One server of a simulated farm: its heartbeat thread, the rest of its daemon, and the filter in its kernel. */
import { bitsOf, eitherBits } from "../../../core/engine/farm/bits.ts";
import { type FarmModule, type FarmView, followerLossMs, leaseMs } from "../../../core/engine/farm/group.ts";
import { Membership } from "../../../core/engine/farm/membership.ts";
import { type FarmPulse, maxFarmNodes, readPulse, wireOf } from "../../../core/engine/farm/pulse.ts";
import type { Effects } from "../../../core/engine/farm/shown.ts";
import { maxContentBytes } from "../../../core/heartbeat/packet.ts";
import type { Random } from "../random.ts";
import type { Network } from "./network.ts";
import type { Queue } from "./queue.ts";
import type { Rules } from "./rules.ts";

export interface Surroundings {
	queue: Queue;
	random: Random;
	network: Network;
	rules: Rules;
	servers: readonly Server[];
	wire: boolean;
	/** Something that a filter accepts has changed. */
	changed(): void;
	trace(line: string): void;
}

/** What waits in a socket's buffer while nobody reads it. */
const maxBacklog = 300;
const bootMs = 1e9;
/** A batch takes at most a fifth of the time after which a silent server counts as gone; here about this part. */
const longestBatch = 0.13;

export class Server {
	readonly node: number;
	readonly module: FarmModule;
	readonly #at: Surroundings;
	/** Own buckets of each group, as the kernel's filter has them, and until when it accepts anything. */
	accepts: boolean[][];
	#leaseUntilMs = 0;
	membership: Membership | null = null;
	/** The views that were settled, in their order. */
	readonly settled: FarmView[] = [];
	open: boolean[];
	applyMs = 3;
	resumedMs = Number.NEGATIVE_INFINITY;
	/** Since when it says something again. */
	spokeMs = Number.NEGATIVE_INFINITY;
	#clockMs = bootMs;
	/** Grows when processes end: what they had begun does not come to an end. */
	#run = 0;
	#thread = 0;
	#attended = false;
	#stopping = false;
	#backlog: (() => void)[] | null = null;
	#tickedMs = 0;
	#tickWaits = false;
	#sentMs = 0;
	#rotation = 0;
	#wanted: FarmView | null = null;
	#applying = false;
	/** As in heart.json. */
	#stored: Record<string, string> = {};
	#offered: FarmView[] = [];

	constructor(module: FarmModule, at: Surroundings) {
		this.module = module;
		this.node = module.nodes.indexOf(module.node);
		this.#at = at;
		this.open = module.groups.map(() => true);
		this.accepts = module.groups.map(() => []);
	}

	get up(): boolean {
		return this.membership !== null && this.#backlog === null;
	}

	/** Does it pass on what it hears? */
	get speaks(): boolean {
		return this.up && this.membership?.mute === false;
	}

	/** Does the rest of the daemon run, and not end the module now? */
	get attended(): boolean {
		return this.#attended && !this.#stopping;
	}

	/** Does the filter accept anything now? */
	get alive(): boolean {
		return this.#leaseUntilMs > this.#at.queue.nowMs || !this.#at.rules.lease;
	}

	/** The module starts: the address is set, its filter is closed; it opens when the application runs. */
	start(): void {
		this.accepts = this.module.groups.map(() => []);
		this.#stored = {};
		this.#offered = [];
		this.#begin([], {});
		this.#attended = true;
		const run = this.#run;
		this.#at.queue.after(this.#at.random.between(0, 1500), () => {
			if (run === this.#run) this.#inTurn(() => this.#wish());
		});
	}

	wish(open: boolean[]): void {
		this.open = open;
		if (this.membership !== null && this.attended) this.#inTurn(() => this.#wish());
	}

	/** The power fails. */
	crash(clockBackMs: number): void {
		this.#end();
		this.accepts = this.module.groups.map(() => []);
		this.#clockMs -= clockBackMs;
	}

	/** The daemon is killed and started again: first the thread, then the rest. */
	kill(threadMs: number, restMs: number): void {
		if (this.membership === null) return;
		this.#end();
		this.#at.network.silent(this.node, this.module);
		const run = this.#run;
		this.#at.queue.after(threadMs, () => {
			if (run !== this.#run) return;
			this.#begin(this.#names(), this.#at.rules.held ? this.#stored : {});
			const begun = this.#run;
			this.#at.queue.after(restMs, () => {
				if (begun === this.#run) this.#inTurn(() => this.#attend());
			});
		});
	}

	pause(forMs: number): void {
		if (!this.up) return;
		this.#backlog = [];
		this.#at.network.silent(this.node, this.module);
		const run = this.#run;
		this.#at.queue.after(forMs, () => {
			if (run === this.#run) this.resume();
		});
	}

	resume(): void {
		const backlog = this.#backlog;
		if (backlog === null) return;
		this.#backlog = null;
		this.resumedMs = this.#at.queue.nowMs;
		for (const run of backlog) this.#at.queue.after(this.#at.random.next() * 3, run);
	}

	/** A person stops the module: first its buckets go to the others, for which it waits a while. */
	stop(): void {
		if (this.membership === null || !this.attended) return;
		this.#stopping = true;
		this.#inTurn(() => this.#carryOut(this.membership?.wish({ open: [] }, this.#unsentMs)));
		const run = this.#run;
		this.#at.queue.after(1500, () => {
			if (run !== this.#run) return;
			this.accepts = this.module.groups.map(() => []);
			const goes = this.membership?.leave().send === true;
			if (goes) this.#say();
			this.#end();
		});
	}

	/** A pulse comes in. */
	receive(pulse: FarmPulse): void {
		const thread = this.#thread;
		if (this.#backlog !== null && this.#backlog.length >= maxBacklog) return;
		this.#inTurn(() => {
			if (thread === this.#thread) this.#carryOut(this.membership?.hear(pulse, this.#unsentMs));
		});
	}

	#begin(open: string[], held: Record<string, string>): void {
		const nowMs = this.#at.queue.nowMs;
		this.#thread++;
		this.#run++;
		this.membership = new Membership(this.module, Math.floor((this.#clockMs + nowMs) / 100), { open }, held);
		this.#attended = false;
		this.spokeMs = nowMs;
		this.#tickedMs = nowMs;
		this.#sentMs = nowMs;
		this.#rotation = 0;
		this.#arm(this.#thread);
	}

	#end(): void {
		this.#run++;
		this.#thread++;
		this.membership = null;
		this.#attended = false;
		this.#stopping = false;
		this.#backlog = null;
		this.#tickWaits = false;
		this.#wanted = null;
		this.#applying = false;
	}

	#names(): string[] {
		return this.module.groups.filter((_, group) => this.open[group]).map(({ name }) => name);
	}

	#wish(): void {
		this.#carryOut(this.membership?.wish({ open: this.#names() }, this.#unsentMs));
	}

	#attend(): void {
		this.#attended = true;
		const view = this.membership?.view ?? null;
		if (view !== null) this.#hand(view);
		this.#wish();
	}

	/** At once, or when the process runs again. */
	#inTurn(run: () => void): void {
		if (this.#backlog === null) run();
		else this.#backlog.push(run);
	}

	#arm(thread: number): void {
		const tickMs = this.membership?.tickMs ?? 25;
		this.#at.queue.after(tickMs * (0.9 + 0.2 * this.#at.random.next()), () => {
			if (thread !== this.#thread) return;
			if (!this.#tickWaits) {
				this.#tickWaits = true;
				this.#inTurn(() => thread === this.#thread && this.#tick());
			}
			this.#arm(thread);
		});
	}

	#tick(): void {
		const { nowMs } = this.#at.queue;
		this.#tickWaits = false;
		const elapsedMs = nowMs - this.#tickedMs;
		this.#tickedMs = nowMs;
		this.#carryOut(this.membership?.tick(elapsedMs, this.#unsentMs));
	}

	get #unsentMs(): number {
		return this.#at.queue.nowMs - this.#sentMs;
	}

	#carryOut(effects: Effects | undefined): void {
		if (effects === undefined) return;
		if (effects.view !== null) {
			this.#at.trace(`${this.module.node} sees ${textOf(effects.view)}`);
			if (effects.view.settled) this.settled.push(effects.view);
			this.#hand(effects.view);
		}
		if (effects.send) this.#say();
	}

	#say(): void {
		const { queue, network, servers, rules } = this.#at;
		const said = this.membership?.say();
		if (said === undefined) return;
		const pulse = this.#asReceived(said);
		this.#sentMs = queue.nowMs;
		if (this.alive || !rules.revive) this.#leaseUntilMs = queue.nowMs + leaseMs(this.module);
		for (const to of servers) {
			if (to !== this) network.send(this.node, to.node, () => to.receive(pulse));
		}
	}

	#asReceived(said: FarmPulse): FarmPulse {
		const { rules, wire } = this.#at;
		let pulse = said;
		if (wire) {
			const bytes = JSON.stringify(wireOf(pulse, maxContentBytes - 160, this.#rotation++ % maxFarmNodes));
			if (bytes.length > maxContentBytes - 160) throw new Error(`a pulse of ${bytes.length} bytes does not fit`);
			pulse = readPulse(JSON.parse(bytes)) as FarmPulse;
		}
		if (!rules.release && pulse.view !== null) pulse = { ...pulse, view: { ...pulse.view, wait: "" } };
		if (!rules.mutual) pulse = { ...pulse, entries: pulse.entries.map((entry) => ({ ...entry, seen: "ffff" })) };
		return pulse;
	}

	/** The rest of the daemon gets a view; one at a time goes to the filter, the newest. */
	#hand(view: FarmView): void {
		this.#offered.push(view);
		this.#stored = joined(this.#stored, this.#own(view));
		if (!this.#attended) return;
		if (!this.#at.rules.confirm) this.#confirm(view);
		this.#wanted = view;
		if (!this.#applying) this.#apply();
	}

	/** The daemon gets to it after a while and takes the newest view; the batch itself is short. */
	#apply(): void {
		if (this.#wanted === null) return;
		this.#applying = true;
		this.#later(this.applyMs, () => {
			const view = this.#wanted as FarmView;
			this.#wanted = null;
			this.#later(Math.min(this.applyMs, longestBatch * followerLossMs(this.module)), () => {
				this.accepts = view.groups.map(({ owners }) => owners.map((owner) => owner === this.module.node));
				this.#leaseUntilMs = this.#at.queue.nowMs + leaseMs(this.module);
				this.#at.changed();
				this.#confirm(view);
				this.#applying = false;
				this.#apply();
			});
		});
	}

	#later(aboutMs: number, run: () => void): void {
		const begun = this.#run;
		this.#at.queue.after(aboutMs * (0.5 + this.#at.random.next()), () => {
			if (begun === this.#run) this.#inTurn(() => begun === this.#run && run());
		});
	}

	#confirm(view: FarmView): void {
		this.#offered = this.#offered.filter(({ version }) => version >= view.version);
		this.#stored = this.#offered.map((offered) => this.#own(offered)).reduce(joined, {});
		const spoke = this.speaks;
		const effects = this.membership?.applied(view.version, this.#unsentMs);
		if (!spoke && this.speaks) this.spokeMs = this.#at.queue.nowMs;
		this.#carryOut(effects);
	}

	#own({ groups }: FarmView): Record<string, string> {
		return Object.fromEntries(
			groups.map(({ name, owners }) => [name, bitsOf(owners.map((owner) => owner === this.module.node))]),
		);
	}
}

function joined(one: Record<string, string>, two: Record<string, string>): Record<string, string> {
	const names = new Set([...Object.keys(one), ...Object.keys(two)]);
	return Object.fromEntries([...names].map((name) => [name, eitherBits(one[name], two[name])]));
}

function textOf({ members, settled, groups }: FarmView): string {
	const loads = groups.map(({ owners }) => {
		const of = (name: string | null): number => owners.filter((owner) => owner === name).length;
		return [...members.map((member) => `${member} ${of(member)}`), `nobody ${of(null)}`].join(", ");
	});
	return `${settled ? "settled" : "unsettled"}: ${loads.join("; ")}`;
}
