/** One simulated server: a runtime that keeps the promises of core/engine/contract.ts around the real automaton. */
import type { CommandEvent, Effect, EngineEvent, ModeConfig, Step, WitnessAnswer } from "../../core/engine/contract.ts";
import { step } from "../../core/engine/loop.ts";
import type { ReplicationFact } from "../../core/engine/replication.ts";
import { mirror } from "../../plugins/mirror/automaton.ts";
import type { MirrorAnnouncement, MirrorState } from "../../plugins/mirror/state.ts";
import { SimulatedRuleLoop } from "./failover.ts";
import { type Host, Replica } from "./replica.ts";
import type { Transitions } from "./transitions.ts";
import type { Witness } from "./witness.ts";
import type { World } from "./world.ts";

interface RunningPlan {
	number: number;
	steps: Step[];
	index: number;
	/** Grows with each step that is begun, so that late ends of an aborted one are known. */
	turn: number;
}

interface Ear {
	lastMs: number;
	up: boolean;
}

const pulseMs = 300;

export class SimNode implements Host {
	readonly world: World;
	readonly index: 0 | 1;
	readonly config: ModeConfig;
	readonly replica: Replica;
	readonly witness: Witness;
	readonly transitions: Transitions;
	readonly rules: SimulatedRuleLoop;
	peer!: SimNode;
	powered = true;
	pausedUntilMs = 0;
	slowDiskUntilMs = 0;
	slowScriptsUntilMs = 0;
	/** 0: the daemon is dead. */
	daemon = 0;
	disturbedMs = -1e9;
	state: MirrorState;
	announcement: MirrorAnnouncement;
	vip = false;
	application = false;
	pings = true;
	#daemons = 0;
	#plan: RunningPlan | null = null;
	#turns = 0;
	#timers = new Map<string, number>();
	#timerIds = 0;
	#ears: Ear[] = [];
	#heardSays: unknown = null;

	constructor(
		world: World,
		index: 0 | 1,
		options: { config: ModeConfig; witness: Witness; transitions: Transitions; lan: number },
	) {
		this.world = world;
		this.index = index;
		this.config = options.config;
		this.witness = options.witness;
		this.transitions = options.transitions;
		this.state = mirror.initial(options.config) as MirrorState;
		this.announcement = mirror.announce(this.state) as MirrorAnnouncement;
		this.rules = new SimulatedRuleLoop({
			nowMs: () => world.nowMs,
			main: () => this.state.main,
			idle: () => this.#plan === null && this.state.plan === null,
			held: () => mirror.view(this.state).held,
			deliver: (event) => this.dispatch(event),
			after: (delayMs, run) => this.#after(delayMs, run),
		});
		this.replica = new Replica(world, this, {
			lan: options.lan,
			none: options.config.async === "none",
			linkMs: options.config.timeoutMs * 0.9,
			lockMs: options.config.lockTimeoutMs,
		});
	}

	get name(): string {
		return this.config.node;
	}

	/** Runs in this life of the daemon only, and not while the machine is stopped. */
	#after(delayMs: number, run: () => void): undefined {
		const born = this.daemon;
		const attempt = (): undefined => {
			if (this.daemon !== born || born === 0 || !this.powered) return;
			const late = this.pausedUntilMs - this.world.nowMs;
			if (late > 0) this.world.after(late, attempt);
			else run();
		};
		this.world.after(delayMs, attempt);
	}

	startDaemon(rebooted: boolean): undefined {
		if (!this.powered || this.daemon !== 0) return;
		this.daemon = ++this.#daemons;
		this.disturbedMs = this.world.nowMs;
		const before = this.world.nowMs;
		this.#ears = this.config.heartbeats.map(() => ({ lastMs: before, up: false }));
		this.#heardSays = null;
		this.rules.forget();
		this.dispatch({ type: "resumed", rebooted });
		if (rebooted) this.#plan = null;
		else if (this.#plan !== null) this.#beginStep(this.#plan);
		if (this.config.replicated) {
			if (this.replica.incarnation !== 0) this.replica.repeatFacts();
			else if (!rebooted && this.state.opened) this.dispatch({ type: "replication", fact: { fact: "died" } });
		}
		for (const [lan] of this.#ears.entries())
			this.#after(this.world.random.between(1, pulseMs), () => this.#pulse(lan));
	}

	killDaemon(): undefined {
		this.daemon = 0;
		this.#timers.clear();
		this.disturbedMs = this.world.nowMs;
	}

	powerLoss(): undefined {
		this.killDaemon();
		this.powered = false;
		this.#plan = null;
		this.vip = false;
		this.application = false;
		this.replica.powerLoss();
	}

	powerOn(): undefined {
		this.powered = true;
		this.pausedUntilMs = 0;
		this.startDaemon(true);
	}

	fact(fact: ReplicationFact): undefined {
		this.#after(1, () => this.#deliverFact(fact));
	}

	#deliverFact(fact: ReplicationFact): undefined {
		this.dispatch({ type: "replication", fact });
		const plan = this.#plan;
		const current = plan?.steps[plan.index];
		if (plan === null || current === undefined || current.do !== "replication") return;
		if (fact.fact === current.until) this.#endStep(plan, true);
		else if (fact.fact === "failed" && fact.order === current.order.order) this.#endStep(plan, false);
		else if (fact.fact === "died") this.#endStep(plan, false);
	}

	command(command: CommandEvent["command"], more: Partial<CommandEvent> = {}): undefined {
		this.#after(0, () => this.dispatch({ type: "command", command, who: "root", ...more }));
	}

	dispatch(event: EngineEvent): undefined {
		if (this.daemon === 0) return;
		const { nowMs } = this.world;
		this.world.log(`${this.name} event ${JSON.stringify(event).slice(0, 900)}`);
		const before = this.state;
		try {
			const result = step(mirror, before, { ...event, atMs: nowMs, wallMs: 1_700_000_000_000 + nowMs });
			this.state = result.state;
			if (result.changed) this.announcement = result.announcement as MirrorAnnouncement;
			for (const effect of result.effects) this.#carryOut(effect);
			this.transitions.see(this, before, event, result.effects);
			this.rules.look();
		} catch (error) {
			this.world.oracle.violation("assertion", `${this.name} on ${event.type}: ${(error as Error).message}`);
		}
	}

	#carryOut(effect: Effect): undefined {
		if (effect.type !== "armTimer" && effect.type !== "resource") {
			this.world.log(`${this.name}   → ${JSON.stringify(effect).slice(0, 200)}`);
		}
		switch (effect.type) {
			case "plan":
				if (this.#plan !== null) this.world.oracle.violation("assertion", `${this.name} starts a second plan`);
				this.#plan = { number: effect.plan, steps: effect.steps, index: 0, turn: 0 };
				return this.#beginStep(this.#plan);
			case "abortPlan":
				if (this.#plan?.number === effect.plan) this.#endPlan(this.#plan, false);
				return;
			case "replication":
				return this.replica.order(effect.order);
			case "armTimer":
				return this.#arm(effect.name, effect.afterMs);
			case "disarmTimer":
				this.#timers.delete(effect.name);
				return;
			case "ping":
				return this.#after(this.world.random.between(5, 200), () =>
					this.dispatch({ type: "ping", reachable: this.pings }),
				);
			case "witness": {
				const answer = (given: WitnessAnswer): undefined =>
					this.#after(0, () => this.dispatch({ type: "witness", answer: given }));
				return this.witness.ask(this.index, effect.request, this.world.nowMs, answer);
			}
			default:
				return;
		}
	}

	#arm(name: string, afterMs: number): undefined {
		const id = ++this.#timerIds;
		this.#timers.set(name, id);
		this.#after(afterMs, () => {
			if (this.#timers.get(name) !== id) return;
			this.#timers.delete(name);
			this.dispatch({ type: "timer", name });
		});
	}

	#beginStep(plan: RunningPlan): undefined {
		const current = plan.steps[plan.index];
		if (current === undefined) return this.#endPlan(plan, true);
		const turn = ++this.#turns;
		plan.turn = turn;
		const end = (): undefined => {
			if (plan.turn === turn) this.#endStep(plan, true);
		};
		if (current.do === "replication") this.#after(0, () => plan.turn === turn && this.replica.order(current.order));
		else if (current.do === "script") this.#after(this.#scriptMs(), end);
		else this.#after(current.do === "vip" ? 5 : 0, end);
	}

	#scriptMs(): number {
		const { random } = this.world;
		if (this.slowScriptsUntilMs > this.world.nowMs) return random.between(100, 3000);
		return random.chance(0.1) ? random.between(50, 800) : random.between(0, 30);
	}

	#endStep(plan: RunningPlan, ok: boolean): undefined {
		if (this.#plan !== plan) return;
		const done = plan.steps[plan.index] as Step;
		plan.turn = 0;
		if (!ok) return this.#endPlan(plan, false);
		if (done.do === "vip") this.#setVip(done.set);
		if (done.do === "script" && done.script === "start_prim") this.application = true;
		if (done.do === "script" && done.script === "stop_prim") this.application = false;
		plan.index++;
		this.#beginStep(plan);
	}

	#setVip(set: boolean): undefined {
		this.vip = set;
		const { nowMs } = this.world;
		// A stopped machine or a dead daemon cannot take its address away; neither can acknowledge anything.
		const quiet = [this, this.peer].every(
			(node) => node.daemon !== 0 && nowMs - node.disturbedMs > 3 * this.config.timeoutMs,
		);
		if (set && this.peer.vip && this.peer.powered && quiet && this.world.oracle.lease) {
			this.world.oracle.violation("1", `${this.name} sets the address while ${this.peer.name} holds it`);
		}
	}

	#endPlan(plan: RunningPlan, ok: boolean): undefined {
		if (this.#plan !== plan) return;
		this.#plan = null;
		const failed = ok ? {} : { failed: JSON.stringify(plan.steps[plan.index]) };
		this.#after(0, () => this.dispatch({ type: "planEnded", plan: plan.number, ok, ...failed }));
	}

	#pulse(lan: number): undefined {
		const { world, peer } = this;
		const ear = this.#ears[lan] as Ear;
		const hears = world.nowMs - ear.lastMs <= this.config.timeoutMs && ear.lastMs > 0;
		this.#judge(lan);
		const says = this.announcement;
		world.packet(lan, this.index, () => peer.hear(lan, says, hears));
		this.#after(pulseMs, () => this.#pulse(lan));
	}

	/** A pulse of the other node arrives, unless nobody is there to take it. */
	hear(lan: number, says: MirrorAnnouncement, hearsMe: boolean): undefined {
		if (!this.powered || this.daemon === 0 || this.pausedUntilMs > this.world.nowMs) return;
		const ear = this.#ears[lan] as Ear;
		ear.lastMs = this.world.nowMs;
		if (this.#heardSays !== says) {
			this.#heardSays = says;
			this.dispatch({ type: "peer", says });
		}
		if (hearsMe && !ear.up) {
			ear.up = true;
			this.dispatch({ type: "heartbeat", ident: this.config.heartbeats[lan] as string, up: true });
		}
		// The other does not hear us: a one-way loss is a loss on both sides.
		if (!hearsMe && ear.up) this.#lose(lan);
	}

	#judge(lan: number): undefined {
		const ear = this.#ears[lan] as Ear;
		if (ear.up && this.world.nowMs - ear.lastMs > this.config.timeoutMs) this.#lose(lan);
	}

	#lose(lan: number): undefined {
		(this.#ears[lan] as Ear).up = false;
		// After a silence the first announcement is news, even if it did not change.
		if (this.#ears.every((ear) => !ear.up)) this.#heardSays = null;
		this.dispatch({ type: "heartbeat", ident: this.config.heartbeats[lan] as string, up: false });
	}
}
