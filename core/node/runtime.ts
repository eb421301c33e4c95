/**
 * The loop of one module on this node (design §2): events one at a time into the pure automaton, its state stored,
 * its invariants checked, its effects carried out. Knows no mode.
 */
import type { DataControl, FarmControl, WatchControl } from "../cli/control.ts";
import type {
	Automaton,
	CommandEvent,
	Effect,
	EngineEvent,
	LogLevel,
	ModeConfig,
	StateView,
	Step,
} from "../engine/contract.ts";
import { step } from "../engine/loop.ts";
import type { ReplicationFact, ResyncProgress } from "../engine/replication.ts";
import type { ModuleLog } from "../log/moduleLog.ts";
import { type Resources, resourceLine } from "../log/resources.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import { Announcer } from "./announcer.ts";
import { Answers, type Asked } from "./answers.ts";
import { carryOut, isRepeatable, type Refusal } from "./effects.ts";
import { emergencyPlan, emergencyRefusal, emergencySteps } from "./emergency.ts";
import { EventQueue } from "./eventQueue.ts";
import type { Hands, ReplicationHands } from "./hands.ts";
import { PlanRunner } from "./plan.ts";
import { rehearse } from "./rehearse.ts";
import { RuleLoop } from "./rules.ts";
import { showScript } from "./scripts.ts";
import { StateFile, type Stored, type StoredPlan } from "./stored.ts";
import { Timers } from "./timers.ts";

export interface RuntimeOptions {
	configuration: ModuleConfiguration;
	mode: ModeConfig;
	/** Digest of both: a stored state made with another configuration is void. */
	digest: string;
	automaton: Automaton<unknown>;
	hands: Hands;
	log: ModuleLog;
	resources: Resources;
	stateFile: string;
	incarnation: string;
	/** Every line of the module's log, for the system log. */
	onLine: (origin: string, level: LogLevel, text: string) => void;
}

export type TakenUp = "fresh" | "resumed" | "rebooted";

export class ModuleRuntime {
	configuration: ModuleConfiguration;
	readonly log: ModuleLog;
	readonly resources: Resources;
	readonly #options: RuntimeOptions;
	readonly #automaton: Automaton<unknown>;
	readonly #hands: Hands;
	readonly #timers: Timers;
	readonly #replication: ReplicationHands | null;
	readonly #file: StateFile;
	readonly #rules: RuleLoop;
	readonly #queue = new EventQueue({
		decide: (event) => this.#decide(event),
		drained: () => this.#lookAround(),
		dropped: (limit) =>
			this.#hands.report(`${this.configuration.module}: more than ${limit} events wait; one is dropped`),
	});
	readonly #answers = new Answers();
	readonly #watchers = new Set<() => void>();
	#state: unknown;
	#plan: PlanRunner | null = null;
	#outbox: Effect[] = [];
	readonly #announcer = new Announcer((says, resources) => this.#hands.announce(says, resources));
	/** Facts that came before the stored state was taken up: `resumed` is the first event of all. */
	readonly #early: EngineEvent[] = [];
	#takenUp = false;
	#closed = false;
	/** Resources of the peer, as its pulses carry them. */
	peerResources: Record<string, string> = {};

	constructor(options: RuntimeOptions) {
		this.#options = options;
		this.configuration = options.configuration;
		this.log = options.log;
		this.resources = options.resources;
		this.#automaton = options.automaton;
		this.#hands = options.hands;
		this.#timers = new Timers(this.#hands, (name) => this.deliver({ type: "timer", name }));
		const { module } = options.configuration;
		this.#file = new StateFile(options.stateFile, options.incarnation, options.digest, (error) =>
			this.#hands.report(`${module}: the state could not be stored`, error),
		);
		this.#state = this.#automaton.initial(options.mode);
		this.#rules = new RuleLoop(this, this.#hands, (event) => this.deliver(event));
		this.#replication = this.#hands.replication((fact) => this.#onFact(fact));
	}

	/**
	 * Takes up what an earlier daemon left, before any event is delivered. `fresh`: there was nothing; `resumed`: the
	 * module runs on; `rebooted`: the machine started since, whatever ran is gone.
	 */
	takeUp(): TakenUp {
		const stored = this.#file.read();
		const taken = this.#whatIs(stored);
		const running = taken === "resumed";
		// What is ordered again is for the process that is found, so that is looked for first.
		const attached = this.#replication?.attach(running) ?? Promise.resolve();
		this.#takeUpStored(stored, running);
		this.#takenUp = true;
		for (const event of this.#early.splice(0)) this.deliver(event);
		this.#hands.connect(running);
		// A step that waits for the replication process must not hear what that says of itself first.
		void attached.then(() => this.#startPlan());
		return taken;
	}

	#whatIs(stored: Stored | null): TakenUp {
		if (stored === null) return "fresh";
		return stored.incarnation === this.#options.incarnation ? "resumed" : "rebooted";
	}

	#takeUpStored(stored: Stored | null, running: boolean): void {
		if (stored === null) {
			this.#persist();
			this.#announce();
			return;
		}
		this.#state = stored.state;
		if (running) {
			if (stored.plan !== null) this.#preparePlan(stored.plan);
			for (const effect of stored.outbox) this.#carryOut(effect);
		}
		this.deliver({ type: "resumed", rebooted: !running });
		// A daemon that was killed in the middle of a `config` has stored what was in force before.
		this.deliver({ type: "configured", config: this.#options.mode });
	}

	/** Something happened. Decided at once, after what is being decided. */
	deliver(event: EngineEvent): void {
		if (!this.#closed) this.#queue.add(event);
	}

	/** Gives a command. `decided`: what came of it at once; `answered`: when the automaton answers. */
	command(event: Omit<CommandEvent, "type" | "request">): Asked {
		const asked = this.#answers.ask();
		this.deliver({ type: "command", ...event, request: asked.request });
		return asked;
	}

	/** What a command would do now: the steps it would start with, or why it would be refused. Changes nothing. */
	rehearse(event: Omit<CommandEvent, "type" | "request">): { refused: Refusal | null; steps: Step[] } {
		return rehearse(this.#automaton, this.#state, this.#stamp({ type: "command", ...event, request: 0 }));
	}

	view(): StateView {
		return this.#automaton.view(this.#state);
	}

	rules(): ReturnType<RuleLoop["list"]> {
		return this.#rules.list();
	}

	progress(): ResyncProgress | null {
		return this.#replication?.progress() ?? null;
	}

	get data(): DataControl | null {
		return this.#replication?.data ?? null;
	}

	get watched(): WatchControl | null {
		return this.#hands.monitoring;
	}

	get farm(): FarmControl | null {
		return this.#hands.farm;
	}

	/** Pid (and session) of the script that runs now. */
	get scriptPid(): number | null {
		return this.#plan?.scriptPid ?? null;
	}

	/** True while nothing runs and nothing is planned. */
	get idle(): boolean {
		return this.#plan === null;
	}

	/** A person, a script or a checker sets a resource. Equal values leave no trace (spec/09 §5). */
	setResource(name: string, value: string, by: string, history: "auto" | "none" | "force" = "auto"): void {
		if (!this.resources.set(name, value, by, history)) return;
		const told = resourceLine(name, value, by);
		if (told !== null) this.write(...told);
		this.#announce();
		this.deliver({ type: "resource", name, value, by });
		this.#changed();
	}

	/** Runs a script of the module beside its plans; its output goes to `out`. Null: no such script. */
	runScript(script: string, args: string[], out: (text: string) => void): Promise<number | null> {
		return showScript(this.#hands.scripts, this.configuration, { script, args }, out);
	}

	/** A configuration that may change while the module runs is in force: whatever begins next uses it. */
	async reconfigure(configuration: ModuleConfiguration, mode: ModeConfig, digest: string): Promise<void> {
		this.configuration = configuration;
		this.#rules.reread();
		this.#options.mode = mode;
		this.#file.digest = digest;
		this.deliver({ type: "configured", config: mode });
		this.#persist(true);
		await this.#hands.reconfigure(configuration);
		await this.#replication?.reconfigure(configuration);
		this.#announcer.forget();
		if (!this.#closed) this.#announce();
	}

	/** As `Hands.clusterChanged`. */
	clusterChanged(): Promise<void> {
		return this.#hands.clusterChanged();
	}

	/** Something changed that only watchers care for. */
	touched(): void {
		this.#changed();
	}

	/** A line in the module's log and in the system log. */
	write(origin: string, level: LogLevel, text: string): void {
		this.log.append(origin, level, text);
		this.#options.onLine(origin, level, text);
	}

	/** Calls back after each change of the state. Returns the way to stop. */
	watch(watcher: () => void): () => void {
		this.#watchers.add(watcher);
		return () => this.#watchers.delete(watcher);
	}

	/** The daemon stops: everything of the module runs on, the stored state says how. */
	detach(): void {
		this.#persist();
		this.#closed = true;
		this.#timers.disarmAll();
		this.#plan?.detach();
		this.#replication?.detach();
		this.#close();
	}

	/** The module is not configured any more. Only when stopped. */
	dispose(): void {
		this.#closed = true;
		this.#timers.disarmAll();
		this.#replication?.detach();
		this.#close();
		this.#file.remove();
	}

	#close(): void {
		this.#rules.close();
		this.#hands.disconnect();
		this.#answers.close();
		this.log.close();
		this.resources.close();
	}

	#stamp(event: EngineEvent) {
		return { ...event, atMs: this.#hands.nowMs(), wallMs: this.#hands.wallMs() };
	}

	#lookAround(): void {
		this.#rules.look();
		this.#changed();
	}

	#decide(event: EngineEvent): void {
		if (this.#closed) return;
		if (this.#plan?.stored.plan === emergencyPlan) {
			this.#duringEmergency(event);
			return;
		}
		let effects: Effect[];
		const before = this.view().main;
		try {
			const decided = step(this.#automaton, this.#state, this.#stamp(event));
			if (!decided.changed && decided.effects.length === 0) return;
			this.#state = decided.state;
			effects = decided.effects;
		} catch (error) {
			this.#hands.report(
				`${this.configuration.module}: the automaton contradicts itself at ${JSON.stringify(event)}`,
				error,
			);
			this.#emergency(error instanceof Error ? error.message : String(error));
			return;
		}
		this.#outbox = effects.filter((effect) => isRepeatable(effect));
		const plan = effects.find((effect) => effect.type === "plan");
		if (plan !== undefined)
			this.#preparePlan({ plan: plan.plan, steps: plan.steps, position: 0, run: null, script: null });
		const started = (before === "STOP") !== (this.view().main === "STOP");
		this.#persist(started || event.type === "command" || effects.some(({ type }) => type === "durable"));
		for (const effect of effects) this.#carryOut(effect);
		if (plan !== undefined) this.#startPlan();
		this.#announce();
	}

	#carryOut(effect: Effect): void {
		carryOut(effect, {
			write: (origin, level, text) => this.write(origin, level, text),
			resource: (name, value, renew) => this.resources.set(name, value, "heart", renew ? "renew" : "auto"),
			order: (order) => this.#replication?.give(order),
			timers: this.#timers,
			abort: (plan) => (this.#plan?.stored.plan === plan ? this.#plan.abort() : undefined),
			ping: () => void this.#ping(),
			// No adapter exists yet: a configured lease witness answers for nothing.
			witness: () => void this.#hands.after(0, () => this.deliver({ type: "witness", answer: { got: "unreachable" } })),
			answer: (request, refused) => this.#answers.give(request, refused),
			reboot: () => this.#hands.reboot(),
		});
	}

	async #ping(): Promise<void> {
		const reachable = await this.#hands.ping().catch(() => false);
		this.deliver({ type: "ping", reachable });
	}

	#preparePlan(stored: StoredPlan): void {
		this.#plan = new PlanRunner(stored, {
			module: this.configuration.module,
			user: () => this.configuration.user,
			hands: this.#hands,
			replication: this.#replication,
			log: (origin, level, text) => this.write(origin, level, text),
			persist: () => this.#persist(),
			ended: (plan, ok, failed) => this.#planEnded(plan, ok, failed),
		});
	}

	/** Not within the decision that ordered it: its end is an event of its own. */
	#startPlan(): void {
		const runner = this.#plan;
		this.#hands.after(0, () => void runner?.run());
	}

	#planEnded(plan: number, ok: boolean, failed: string | undefined): void {
		if (this.#closed) return;
		this.#plan = null;
		if (plan === emergencyPlan) this.#emergencyOver();
		else this.deliver({ type: "planEnded", plan, ok, ...(failed === undefined ? {} : { failed }) });
	}

	#onFact(fact: ReplicationFact): void {
		if (this.#takenUp) this.deliver({ type: "replication", fact });
		else this.#early.push({ type: "replication", fact });
		this.#plan?.heard(fact);
	}

	/** Nothing that a contradiction led to may stand: force everything down, as `forcestop` followed by stop scripts. */
	#emergency(message: string): void {
		this.write("safekit", "C", `The module contradicts itself and is stopped: ${message}`);
		this.#plan?.abort();
		this.#timers.disarmAll();
		this.#outbox = [];
		this.#preparePlan({ plan: emergencyPlan, steps: emergencySteps, position: 0, run: null, script: null });
		this.#persist();
		this.#startPlan();
	}

	#duringEmergency(event: EngineEvent): void {
		if (event.type !== "command" || event.request === undefined) return;
		this.#answers.give(event.request, emergencyRefusal(this.configuration.module));
	}

	#emergencyOver(): void {
		this.#state = this.#automaton.initial(this.#options.mode);
		this.#persist();
		this.#announce();
		this.#changed();
	}

	#persist(durable = false): void {
		if (this.#closed) return;
		this.#file.write({ state: this.#state, plan: this.#plan?.stored ?? null, outbox: this.#outbox }, durable);
	}

	#announce(): void {
		this.#announcer.say(this.#automaton.announce(this.#state), this.resources.values());
	}

	#changed(): void {
		for (const watcher of [...this.#watchers]) watcher();
	}
}
