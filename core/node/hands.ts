/** What the loop of a module asks of the world. The daemon supplies it; a test may supply its own. */
import type { DataControl, FarmControl, WatchControl } from "../cli/control.ts";
import type { Clock } from "../engine/clock.ts";
import type { Announcement, WatchClass } from "../engine/contract.ts";
import type { ReplicationFact, ReplicationOrder, ResyncProgress } from "../engine/replication.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { RunningScript, ScriptRequest } from "../scripts/runner.ts";

export interface ScriptHands {
	/** Starts a script; null: there is no such script. It is known by pid and start time when this resolves. */
	start(request: ScriptRequest): Promise<RunningScript | null>;
	/** A script that an earlier daemon started; null: it has ended. `overdue`: its time is over, kill what is left. */
	adopt(script: {
		pid: number;
		startTime: string;
		userlog: string | null;
		userlogSizeKb?: number;
		overdue: boolean;
	}): RunningScript | null;
	/** A script that an earlier daemon started without living to note it, by the run id in its environment. */
	find(run: string): { pid: number; startTime: string } | null;
	/** Runs a script beside the plans, its output to `out`. Exit code null: it was killed. */
	show(request: ScriptRequest, out: (text: string) => void): Promise<{ ran: boolean; exitCode: number | null }>;
}

export interface ReplicationHands {
	/** For the commands of persons, which the automaton takes no part in. */
	readonly data: DataControl;
	/** Gives an order; the answer comes as a fact. Orders are idempotent. */
	give(order: ReplicationOrder): void;
	progress(): ResyncProgress | null;
	/** As `Hands.reconfigure`. */
	reconfigure(configuration: ModuleConfiguration): Promise<void>;
	/** Finds again what an earlier daemon left; `running` as with `connect`. Resolves when it has spoken or is not there. */
	attach(running: boolean): Promise<void>;
	/** Lets go of the process without ending it: the daemon stops, the module runs on. */
	detach(): void;
}

export interface MonitoringHands extends WatchControl {
	/** A step of a plan: after start_X, before stop_X. */
	step(watch: WatchClass, enable: boolean): Promise<void>;
	/** A configuration was applied while the module runs. */
	reconfigure(configuration: ModuleConfiguration): void;
}

export interface Hands extends Clock {
	scripts: ScriptHands;
	/** Sets or removes the virtual addresses; resolves when it is done, rejects with a sentence. */
	vip(set: boolean): Promise<void>;
	/**
	 * A farm's module takes its share of the clients, or gives it away. Resolves when the group has settled with that, or
	 * when that takes too long; what fails is logged.
	 */
	traffic(open: boolean): Promise<void>;
	/** Announces the virtual addresses again; what fails is logged. */
	announceVip(): Promise<void>;
	/** Null: the module replicates nothing. */
	replication(onFact: (fact: ReplicationFact) => void): ReplicationHands | null;
	/**
	 * The stored state is taken up: what the services hear is delivered from now on. `running`: the module runs on with
	 * what an earlier daemon set; otherwise nothing of it may be left here.
	 */
	connect(running: boolean): void;
	/** The daemon lets go of the module: whatever is set stays, nothing is delivered any more. */
	disconnect(): void;
	/** Another configuration is in force while the module runs: what it changes is started anew, the rest goes on. */
	reconfigure(configuration: ModuleConfiguration): Promise<void>;
	/** The module runs on with an older cluster.xml or cluster key than the one in force. */
	readonly outdated: boolean;
	/** Another cluster.xml or cluster key is in force, by which the module goes from its next start on. */
	clusterChanged(): Promise<void>;
	/** What pulses say from now on. */
	announce(says: Announcement, resources: Record<string, string>): void;
	/** Asks the ping witnesses: true if one answers. */
	ping(): Promise<boolean>;
	/** Checkers, processes and services that are watched. Null: nothing is. */
	readonly monitoring: MonitoringHands | null;
	/** For the commands of persons; null in other modes. */
	readonly farm: FarmControl | null;
	reboot(): void;
	/** For what concerns the maker of the product, not the person: the daemon's own log. */
	report(message: string, error?: unknown): void;
}
