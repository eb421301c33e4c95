/** What the daemon needs of the services, put together in wire.ts; a test may put other things in. */
import type { ProcessSystem } from "../checkers/watched/system.ts";
import type { Clock } from "../engine/clock.ts";
import type { LogLevel } from "../engine/contract.ts";
import type { ModeDeclaration } from "../engine/plugin.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { ConfigureOptions } from "../module/configure.ts";
import type { Paths } from "../module/paths.ts";
import type { Hands, ScriptHands } from "./hands.ts";
import type { Membership } from "./membership.ts";
import type { ModuleRuntime } from "./runtime.ts";

/** Tells the daemon's own log. */
export type Report = (message: string, error?: unknown) => void;

export interface World {
	paths: Paths;
	/** This run of the operating system. */
	incarnation: string;
	clock: Clock;
	modes: ReadonlyMap<string, ModeDeclaration>;
	/** Names of the modules whose configuration is in force here. */
	configured(): Promise<string[]>;
	configuration(name: string): Promise<ModuleConfiguration>;
	/** Own name in cluster.xml; null while there is no cluster configuration. */
	nodeName(): Promise<string | null>;
	membership(configuration: ModuleConfiguration): Promise<Membership>;
	processes: ProcessSystem;
	/** Schema, cluster and probes with which configurations are read here. */
	configureOptions(): Promise<Omit<ConfigureOptions, "hook">>;
	scripts(module: string, log: (level: "E" | "W", text: string) => void): ScriptHands;
	/** cluster.xml or the key changed: what was read of them is forgotten. */
	clusterChanged(): void;
	/** What a module's loop works with. `deliver` brings in what the services find out. */
	hands(configuration: ModuleConfiguration, runtime: () => ModuleRuntime): Promise<Hands>;
	/** The module is not configured any more: lets go of what `hands` took. */
	release(name: string): void;
	/** Session of a process: a script and all that it starts share one, named by the script's pid. */
	sessionOf(pid: number): number | null;
	toSyslog(module: string, origin: string, level: LogLevel, text: string): void;
	report: Report;
}
