/**
 * What an automaton is: events in, effects out. No clock and no I/O stand behind any name in this file.
 * The node's runtime turns what happens into events, one at a time, and carries the effects out.
 *
 * What a runtime owes to an automaton:
 * 1. **One event at a time.** `decide`, then `assertInvariants`, then store the new state durably, then carry the
 *    effects out in their order; only then the next event. `announce` is read after every step and goes into the
 *    next pulse at once when it changed. A pulse of a configured module is sent while it is stopped too: the
 *    peer learns of a stop from it. `loop.ts` has this as a function.
 * 2. **Plans.** Numbered by the automaton, growing; at most one runs. Steps run in order, each to its end. A script
 *    that is missing or exits with an error does not fail a plan; only a `replication` step can, and `vip` when the
 *    address cannot be set. Exactly one `planEnded` follows each plan, also after `abortPlan`.
 *    Logs of a plan's steps (`Script … > …`) are the runtime's; `log` steps and effects are written as they are.
 * 3. **Facts.** Every replication fact is delivered as an event, also one that ends a step, and before that step's
 *    `planEnded`. A step `until` waits for a fact that arrives after its order was sent; `failed` of the same order
 *    or `died` fails the plan. Effects of kind `replication` are sent at once, also while a plan runs.
 * 4. **Timers** belong to the runtime: arming a name again replaces it, `disarmTimer` of an unknown name is nothing,
 *    a fired timer is gone. They are not stored.
 * 5. **Heartbeats**: `up` is said only when both directions work; `down` after the ident's timeout. After a start
 *    of the daemon every ident is reported once, up or (after its timeout) down. Announcements are delivered
 *    in order, none older than the last one delivered, and before the `up` that the same pulse causes; after a silence
 *    of all idents the first one is delivered even if it did not change.
 * 6. **Restart.** The stored state is taken up with the event `resumed` before any other. `rebooted: false`: a plan
 *    that was running goes on at the step that had not ended (steps are idempotent; running scripts are found again),
 *    or, if that cannot be, `planEnded` with ok=false is delivered. The replication process, found again, repeats its
 *    standing facts (`records`, `link`, and `frozen`, `peerLost`, `linkLost`, `synced` or `sealed` where they hold); not found,
 *    `died` is delivered. `rebooted: true`: everything that ran is gone; no plan is continued.
 * 7. `answer` may come in the same step as the command or much later (prim, second); `resource` sets the internal
 *    resource without a log line of its own.
 */
import type { LoopCounter } from "./maxloop.ts";
import type { ReplicationFact, ReplicationOrder } from "./replication.ts";
import type { RuleAction } from "./rules/language.ts";

/** Main states, spec/01 §2. */
export type MainState = "STOP" | "WAIT" | "ALONE" | "UP" | "PRIM" | "SECOND";
/** Status beside the main state, spec/01 §2. */
export type Status = "NotReady" | "Transient" | "Ready";
/** Levels of the module log, spec/10 §1. C, E, U, S are the normal log, the rest is verbose. */
export type LogLevel = "C" | "E" | "U" | "S" | "I" | "W" | "D";
/** Classes of checkers and watched processes that follow the scripts of the same name, spec/02 §10. */
export type WatchClass = "pre" | "prim" | "second" | "sec" | "both";

/** Commands that a person, a script or a checker may give to a module, spec/04 §3. */
export type CommandName =
	| "start"
	| "stop"
	| "restart"
	| "stopstart"
	| "swap"
	| "prim"
	| "primforce"
	| "second"
	| "forcestop"
	| "shutdown"
	| "failover"
	/** The counter of maxloop (spec/01 §6): one more error (refused with LOOP_LIMIT beyond the limit), or none. */
	| "incloop"
	| "resetloop";

/** A command for the module: of a person, of a script, of a failover rule or of the daemon. */
export interface CommandEvent {
	type: "command";
	command: CommandName;
	/** As the log prints it: `root`, `admin@10.0.0.1`, or `boot` for a start at boot time. */
	who: string;
	/** `-i <identity>`: given by a script or checker; counts for maxloop (spec/01 §6). */
	identity?: string;
	fullsync?: boolean;
	nosync?: boolean;
	/** `restart` limited to these services (spec/02 §9 `restart_services`): its scripts get them as `-Services "a, b"`. */
	services?: string;
	/** `failover on|off`. */
	on?: boolean;
	/** Token that comes back in the `answer` effect, so that the caller can be told. */
	request?: number;
}

/** Everything that can happen to a module. */
export type EngineEvent =
	| CommandEvent
	/** The first event after the daemon took a stored state up again; `rebooted`: the machine started since. */
	| { type: "resumed"; rebooted: boolean }
	/** A configuration was applied while the module runs; also after `resumed`, with the one that is in force. */
	| { type: "configured"; config: ModeConfig }
	/** The plan with this number ran to its end (`ok`), or stopped at a step that failed. */
	| { type: "planEnded"; plan: number; ok: boolean; failed?: string }
	| { type: "timer"; name: string }
	/** A heartbeat changed. `ident` as in `heartbeat.<ident>`. */
	| { type: "heartbeat"; ident: string; up: boolean }
	/** What the peer says of itself, delivered whenever its announcement changes. */
	| { type: "peer"; says: Announcement }
	| { type: "resource"; name: string; value: string; by: string }
	/**
	 * A failover rule acts (core/engine/rules/machine.ts). Only `wait` rules hold on: `holds` says whether one does, and
	 * `init` names the resource without which that cannot be said yet, which a start waits for.
	 */
	| { type: "rule"; rule: string; action: RuleAction; holds: boolean; init?: string }
	| { type: "replication"; fact: ReplicationFact }
	/** Answer of `<splitbrain exec="ping">`: true if at least one witness address answered. */
	| { type: "ping"; reachable: boolean }
	| { type: "witness"; answer: WitnessAnswer };

/** An event with the time at which it happened. The engine reads no clock of its own. */
export type Stamped<E = EngineEvent> = E & {
	/** Monotonic, milliseconds. */
	atMs: number;
	/** Wall clock, milliseconds since the epoch: only for dates that people read and for loop_interval. */
	wallMs: number;
};

/** One step of a plan. Steps run strictly in order; a plan ends with one `planEnded` event. */
export type Step =
	| {
			do: "script";
			/** start_prim, stop_both, transition, prestart, … A script that does not exist is skipped. */
			script: string;
			/** Stop scripts: second pass, `force` is the first argument (spec/03 §2). */
			force?: boolean;
			from: MainState;
			to: MainState;
			/** start, stop, stopstart, stopwait, restart, swap (third argument). */
			action: string;
			/** Given as the last two arguments, `-Services` and this list as one (spec/03 §2). */
			services?: string;
	  }
	| { do: "vip"; set: boolean }
	/**
	 * Takes part in sharing out a farm's clients, or gives its share away first. Ends when the group has settled with
	 * that, or when that takes too long; never fails a plan.
	 */
	| { do: "traffic"; open: boolean }
	/** Tells the neighbours again where the virtual addresses are; never fails a plan. */
	| { do: "announceVip" }
	| { do: "checkers"; class: WatchClass; enable: boolean }
	/** Gives the order and waits for the fact of kind `until`, or for a `failed` fact, which fails the plan. */
	| { do: "replication"; order: ReplicationOrder; until: ReplicationFact["fact"] }
	| { do: "log"; origin: string; level: LogLevel; text: string };

/** Everything that an automaton may ask for. */
export type Effect =
	/** Starts a plan. The engine has at most one plan running; it never starts a second before `planEnded`. */
	| { type: "plan"; plan: number; steps: Step[] }
	/** forcestop: kill the running script, drop the remaining steps; `planEnded` with ok=false follows. */
	| { type: "abortPlan"; plan: number }
	/** An order that may not wait for the plan (freeze, going alone, failing). Its result comes as a fact. */
	| { type: "replication"; order: ReplicationOrder }
	| { type: "armTimer"; name: string; afterMs: number }
	| { type: "disarmTimer"; name: string }
	| { type: "log"; origin: string; level: LogLevel; text: string }
	/**
	 * Sets an internal resource (state.local, rfs.uptodate, …). The runtime logs nothing for it by itself. `renew`: its
	 * date and history change even if the value does not.
	 */
	| { type: "resource"; name: string; value: string; renew?: true }
	/** Ask the ping witnesses now; a `ping` event follows. */
	| { type: "ping" }
	| { type: "witness"; request: WitnessRequest }
	/** Ends the caller's wait for a command. `refused` carries an error code of core/errors.ts. */
	| { type: "answer"; request: number; refused?: { code: string; message: string; remedy: string } }
	/** The state of this step has to survive a power cut: it is on the disk before anything else is carried out. */
	| { type: "durable" }
	/** automatic_reboot (spec/01 §6). */
	| { type: "reboot" };

/** What a node says of a module in every pulse: plain JSON, at most 1000 bytes. Each mode declares its own shape. */
export type Announcement = Record<string, unknown> & { main: MainState; status: Status };

/** The record that a lease witness keeps, one a module, never deleted by expiry (replication.md §6). */
export interface WitnessRecord {
	term: number;
	holder: string;
	current: string[];
	/** Changes with every renewal; compared only for equality. */
	beat: number;
}
/** What a node asks of the lease witness: its record, or to replace it if it is still the one that was seen. */
export type WitnessRequest =
	| { ask: "read" }
	/** Compare-and-swap: applies only if the stored term equals `expectTerm`, 0 for no record (and beat, if given). */
	| { ask: "swap"; expectTerm: number; expectBeat?: number; record: WitnessRecord }
	/** Changes `beat` if the record still has this term. */
	| { ask: "renew"; term: number };
/** What the witness said, or that it could not be reached. `askedAtMs`: the node's monotonic clock. */
export type WitnessAnswer =
	| { got: "record"; record: WitnessRecord | null }
	/** A swap or a renewal was applied; the record as it is now. `askedAtMs`: monotonic time of the request. */
	| { got: "swapped"; record: WitnessRecord; askedAtMs: number }
	| { got: "refused"; record: WitnessRecord | null }
	/** At the latest a third of the heartbeat timeout after the question; it may have been carried out all the same. */
	| { got: "unreachable" };

/** What the shell shows of a module (`state`, `why` is the sentence a person reads). */
export interface StateView {
	main: MainState;
	status: Status;
	/** UNKNOWN/Unknown when the peer is not heard. */
	peer: { state: string; status: string };
	uptodate: boolean | null;
	rule: string | null;
	why: string;
	/** Errors counted towards maxloop. */
	loop: LoopCounter;
	/** Labels of the wait rules that hold it, or that it waits for. */
	held: readonly string[];
}

/**
 * What one event makes of a state: the next state, and the orders to the node in the order in which they are
 * carried out.
 */
export interface Decision<S> {
	state: S;
	effects: Effect[];
}

/** A mode of modules: one pure automaton. `S` is plain JSON, so that it can be stored and taken up again. */
export interface Automaton<S> {
	/** The mode as `<service mode>` names it. */
	mode: string;
	/** State of a stopped module with this configuration. */
	initial(config: ModeConfig): S;
	decide(state: S, event: Stamped): Decision<S>;
	/** Throws AssertionError with a sentence when the state contradicts itself. Runs after every step. */
	assertInvariants(state: S): void;
	/** What this node's pulses say. */
	announce(state: S): Announcement;
	view(state: S): StateView;
}

/** What an automaton needs to know of the configuration. Times in milliseconds. */
export interface ModeConfig {
	module: string;
	/** This node's name in cluster.xml. */
	node: string;
	/** The other node of a mirror; null in other modes. */
	peer: string | null;
	/** Idents of all heartbeats. */
	heartbeats: string[];
	/** Longest heartbeat timeout. */
	timeoutMs: number;
	replicated: boolean;
	async: "second" | "none";
	lockTimeoutMs: number;
	sendTimeoutMs: number;
	syncDeltaMs: number;
	/** The secondary follows only at scheduled times (`syncat`), which come as the resource `rfs.syncat`. */
	syncAt: boolean;
	defaultprim: string;
	failover: boolean;
	maxloop: number;
	loopIntervalMs: number;
	automaticReboot: boolean;
	/** A `<splitbrain exec="ping">` checker is configured. */
	splitbrainPing: boolean;
	/** A lease witness is configured (no adapter exists yet outside the simulator). */
	leaseWitness: boolean;
	/** Rules that proofs switch off one at a time; all true in production. */
	rules: Rules;
}

/** Rules of safety that proofs switch off one at a time; all are true in production. */
export interface Rules {
	witness: boolean;
	freeze: boolean;
	sync: boolean;
	epoch: boolean;
	marks: boolean;
	uptodate: boolean;
}
