/** What the commands need of the daemon. Declared here, carried out in core/node. */
import type { ProcessSystem } from "../checkers/watched/system.ts";
import type { WatchedView } from "../checkers/watched/watch.ts";
import type { CommandEvent, StateView, Step } from "../engine/contract.ts";
import type { FarmModule, FarmView } from "../engine/farm/group.ts";
import type { ReplicationFact, ResyncProgress } from "../engine/replication.ts";
import type { Truth } from "../engine/rules/evaluate.ts";
import type { ActiveRule } from "../engine/rules/ruleSet.ts";
import type { CommandLog } from "../log/commandLog.ts";
import type { ModuleLog } from "../log/moduleLog.ts";
import type { Resources } from "../log/resources.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { ConfigureOptions, Hook } from "../module/configure.ts";
import type { Paths } from "../module/paths.ts";
import type { KeptFolder, Restored } from "../replication/quarantine/kept.ts";

export type Order = Omit<CommandEvent, "type" | "request">;
export interface Refused {
	code: string;
	message: string;
	remedy: string;
}

export type HookResult = Awaited<ReturnType<Hook>>;

/** What a comparison of both copies came to. */
export interface Verdict {
	/** Paths, at most 1000; null: only the primary can name them. */
	differences: string[] | null;
	count: number;
	files: number;
	bytes: number;
}

/** How the next synchronization is done (`rfssync`, spec/06 §3), and when that was said (wall clock). */
export type SyncMode =
	| { mode: "full"; atMs: number }
	| { mode: "external"; role: "prim" | "second"; uid: string; atMs: number; detect: boolean };

export interface SyncControl {
	/** null: as usual. */
	readonly now: SyncMode | null;
	/** Counts at once where the replication process runs, otherwise from the next start. @throws SafekitError RFS_SYNC. */
	declare(mode: SyncMode): Promise<void>;
	/** As usual again. What counts already is not taken back. */
	forget(): void;
	/** `secondforce -d`: this server's copy, as the secondary's, has all that was changed before (wall clock). null: no. */
	since(ms: number | null): Promise<void>;
}

/** What persons ask of a module's replicated data. */
export interface DataControl {
	readonly sync: SyncControl;
	/** The replicated directories. */
	readonly directories: readonly string[];
	/** Opens the quarantines, also below the mounts of a module that runs, while `work` looks at them. */
	withKept<T>(work: (folders: KeptFolder[]) => Promise<T>): Promise<T>;
	/** What a session would compare now. @throws SafekitError as the replication process says. */
	estimate(): Promise<Extract<ReplicationFact, { fact: "estimated" }>>;
	/** Compares both copies, as the primary in a complete session. */
	verify(): Promise<Verdict>;
	/** What the other server's pulses carry: its questions. */
	hear(resources: Readonly<Record<string, string>>): void;
	/** Has the primary compare them, as its secondary. */
	askVerify(signal: AbortSignal): Promise<Verdict>;
	/**
	 * Copies files and whole folders with owner, times and attributes; what is in the way is replaced. Resolves with
	 * what could not be copied, as the system says it; an aborted copy stops in the middle.
	 */
	copy(copies: readonly Restored[], signal: AbortSignal): Promise<string>;
}

/** What is watched of a module: its application, and for `safekit errd` its processes and services. */
export interface WatchControl {
	/** Since when the application runs here, as a date; null: it does not. Another date: it was started again. */
	readonly startedAt: string | null;
	/** In the order of the configuration. */
	view(): WatchedView[];
	/** Classes that the configuration names. */
	classes(): string[];
	enable(name: string, on: boolean): void;
}

/** The place of a farm's module in its group. */
export interface FarmControl {
	readonly module: FarmModule;
	/** What this node's filter obeys; null: the module takes no part now. */
	readonly view: FarmView | null;
	/** A script of a module with `scriptcontrol="on"` opens or closes its traffic. @throws SafekitError. */
	script(open: boolean): Promise<void>;
}

/** A configured module on this node. */
export interface ModuleControl {
	readonly configuration: ModuleConfiguration;
	readonly log: ModuleLog;
	readonly resources: Resources;
	/** As the peer last told them. */
	readonly peerResources: Record<string, string>;
	/** Null: the module replicates nothing. */
	readonly data: DataControl | null;
	/** Null: it watches nothing. */
	readonly watched: WatchControl | null;
	/** Null: it is no farm. */
	readonly farm: FarmControl | null;
	/** Pid, which is also the session, of the script that runs now. */
	readonly scriptPid: number | null;
	/** No script runs and nothing is planned. */
	readonly idle: boolean;
	view(): StateView;
	progress(): ResyncProgress | null;
	command(order: Order): { answered: Promise<Refused | null>; refusedAtOnce(): Refused | null };
	/** What the order would do now; changes nothing. */
	rehearse(order: Order): { refused: Refused | null; steps: Step[] };
	setResource(name: string, value: string, by: string, history: "auto" | "none" | "force"): void;
	write(origin: string, level: "C" | "E" | "U" | "S" | "I" | "W" | "D", text: string): void;
	/** The failover rules in force. */
	rules(): { rule: ActiveRule; truth: Truth }[];
	/** Calls back after each change. Returns the way to stop. */
	watch(watcher: () => void): () => void;
	/** Runs a script of the module beside its plans (update, state, level, confcheck); its output goes to `out`. */
	runScript(script: string, args: string[], out: (text: string) => void): Promise<number | null>;
}

export interface NodeControl {
	readonly paths: Paths;
	readonly commandLog: CommandLog;
	/** This node's name in cluster.xml; null without cluster configuration, `why` says why. */
	nodeName(): Promise<string | null>;
	modules(): ModuleControl[];
	module(name: string): ModuleControl | undefined;
	/** The processes of this server. */
	readonly processes: ProcessSystem;
	/** Schema, cluster and probes with which configurations are read here. */
	configureOptions(): Promise<Omit<ConfigureOptions, "hook">>;
	/** Runs a script of a module that may not be loaded (config, postconfig …), its output to `out`. */
	runHook(configuration: ModuleConfiguration, script: string, out: (text: string) => void): Promise<HookResult>;
	failures(): ReadonlyMap<string, unknown>;
	/** Why a configured module could not be loaded; undefined if it was, or is not configured. */
	failure(name: string): unknown;
	/** The configuration of a module was applied: loads it. */
	loadModule(name: string): Promise<void>;
	/** A configuration was applied to a module that runs. */
	reconfigureModule(name: string): Promise<void>;
	/** A new configuration was applied: what commands have switched is as configured again. */
	forgetSettings(name: string): void;
	/** The module is not configured any more: lets it go. Only when stopped. */
	dropModule(name: string): Promise<void>;
	/** cluster.xml or the key changed: reads it again and starts the heartbeats anew. */
	reloadCluster(): Promise<void>;
	/** Boot flag of `safekit boot on|off`, for boot="ignore". */
	bootFlag(name: string): boolean;
	setBootFlag(name: string, on: boolean): void;
	/** The server goes down: modules that stop from now on count as running for boot="auto". */
	shutDown(): void;
	/** True if the process belongs to a script that the module runs now. */
	isInsideScript(module: ModuleControl, pid: number): boolean;
}
