/** All modules of this server, and what commands may ask of them. */
import { join } from "node:path";
import type { HookResult, NodeControl } from "../cli/control.ts";
import type { Alarm, Clock } from "../engine/clock.ts";
import { SafekitError } from "../errors.ts";
import { CommandLog } from "../log/commandLog.ts";
import { ModuleLog } from "../log/moduleLog.ts";
import { Resources } from "../log/resources.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { Paths } from "../module/paths.ts";
import { describeSettings, describeState, forgetResources, settingsOf } from "./described.ts";
import { digestOf, modeConfigOf } from "./modeConfig.ts";
import { ModuleRuntime } from "./runtime.ts";
import { Schedule } from "./schedule.ts";
import { ModuleSettings } from "./settings.ts";
import type { World } from "./world.ts";

/** Scripts of `config` and `deconfig` have to end in this time: a person waits, and no other module command runs. */
const hookTimeoutMs = 600_000;

/** How often modules that could not be loaded are tried again. */
const retryMs = 5000;
/** Stands for the run of the system in which a module was started at boot, when it is to be started so once more. */
const bootAgain = "again";

interface Hosted {
	runtime: ModuleRuntime;
	settings: ModuleSettings;
	bootTimer: Alarm | undefined;
	/** The start at boot is still to come: that the module is stopped means nothing yet. */
	bootPending: boolean;
	/** The module was not stopped when it was last looked at. */
	ran: boolean;
	/** Of syncat. */
	schedule: Schedule | null;
}

export class Daemon implements NodeControl {
	readonly paths: Paths;
	readonly commandLog: CommandLog;
	readonly #world: World;
	readonly #hosted = new Map<string, Hosted>();
	/** Configured modules that could not be loaded, and why. */
	readonly #failures = new Map<string, unknown>();
	/** Modules that ran when cluster.xml changed: loaded anew when they have stopped. */
	readonly #outdated = new Set<string>();
	#retry: Alarm | undefined;
	/** Modules that are being stopped because the server goes down. */
	readonly #shutDown = new Set<string>();

	constructor(world: World) {
		this.#world = world;
		this.paths = world.paths;
		this.commandLog = new CommandLog(join(world.paths.safevar, "log.db"));
	}

	/** Takes up every configured module. One that cannot be loaded does not keep the others, and is tried again. */
	async start(): Promise<void> {
		for (const name of await this.#world.configured()) await this.#tryToLoad(name, true);
	}

	/**
	 * Lets go of everything; modules run on, the next daemon takes them up. Those that a shutdown of the service has
	 * stopped are started by it as at boot: `systemctl restart safeadmin` leaves no application behind.
	 */
	stop(): void {
		this.#retry?.cancel();
		for (const [name, { runtime, settings, bootTimer, schedule }] of this.#hosted) {
			bootTimer?.cancel();
			schedule?.stop();
			if (this.#shutDown.has(name) && runtime.view().main === "STOP") this.#forgetBoot(name, settings);
			runtime.detach();
		}
		this.#hosted.clear();
		this.commandLog.close();
	}

	#forgetBoot(name: string, settings: ModuleSettings): void {
		try {
			settings.change({ bootedIn: bootAgain });
		} catch (error) {
			this.#world.report(`${name}: that it is to start with the service could not be stored`, error);
		}
	}

	get processes(): NodeControl["processes"] {
		return this.#world.processes;
	}

	nodeName(): Promise<string | null> {
		return this.#world.nodeName();
	}

	modules(): ModuleRuntime[] {
		return [...this.#hosted.values()].map(({ runtime }) => runtime);
	}

	module(name: string): ModuleRuntime | undefined {
		return this.#hosted.get(name)?.runtime;
	}

	configureOptions(): ReturnType<NodeControl["configureOptions"]> {
		return this.#world.configureOptions();
	}

	runHook(configuration: ModuleConfiguration, script: string, out: (text: string) => void): Promise<HookResult> {
		const { module, user } = configuration;
		const request = { module, script, args: [], timeoutMs: hookTimeoutMs, vars: user?.vars ?? [], logging: false };
		return this.#world.scripts(module, (level, text) => out(`${level} ${text}\n`)).show(request, out);
	}

	loadModule(name: string): Promise<void> {
		return this.#load(name, false);
	}

	async #load(name: string, atStart: boolean): Promise<void> {
		const { clock } = this.#world;
		const configuration = await this.#world.configuration(name);
		const mode = this.#world.modes.get(configuration.mode);
		if (mode === undefined) {
			throw new SafekitError("NODE_MODE", `No plugin for mode '${configuration.mode}' of module '${name}' is loaded.`);
		}
		const { node, peer } = await this.#world.membership(configuration);
		const config = modeConfigOf(configuration, node, peer, process.env.OPENSAFE_SABOTAGE);
		this.#letGo(name);
		const hands = await this.#world.hands(configuration, () => runtime);
		const { userVar } = this.paths.module(name);
		const runtime: ModuleRuntime = new ModuleRuntime({
			configuration,
			mode: config,
			digest: digestOf(config),
			automaton: mode.automaton,
			hands,
			log: new ModuleLog(join(userVar, "log.db")),
			resources: new Resources(join(userVar, "resource.db")),
			stateFile: join(userVar, "state.json"),
			incarnation: this.#world.incarnation,
			onLine: (origin, level, text) => this.#world.toSyslog(name, origin, level, text),
		});
		const hosted: Hosted = {
			runtime,
			settings: new ModuleSettings(join(userVar, "settings.json")),
			bootTimer: undefined,
			bootPending: false,
			ran: false,
			schedule: null,
		};
		this.#hosted.set(name, hosted);
		this.#failures.delete(name);
		hosted.schedule = scheduleOf(runtime, clock);
		describeSettings(runtime, hosted.settings.now.boot);
		forgetResources(runtime);
		const taken = runtime.takeUp();
		describeState(runtime, taken, clock.wallMs());
		// A module that is configured by hand is started by hand.
		if (!atStart) hosted.settings.change({ bootedIn: this.#world.incarnation });
		else if (taken !== "resumed" || hosted.settings.now.bootedIn === bootAgain) this.#startAtBoot(hosted);
		hosted.ran = runtime.view().main !== "STOP";
		runtime.watch(() => this.#remember(hosted));
		if (!hands.outdated) return;
		this.#outdated.add(name);
		this.#remember(hosted);
	}

	/** A module that runs takes on a configuration that may change meanwhile. */
	async reconfigureModule(name: string): Promise<void> {
		const configuration = await this.#world.configuration(name);
		const { node, peer } = await this.#world.membership(configuration);
		const config = modeConfigOf(configuration, node, peer, process.env.OPENSAFE_SABOTAGE);
		const runtime = this.module(name);
		if (runtime === undefined) return;
		await runtime.reconfigure(configuration, config, digestOf(config));
		forgetResources(runtime);
	}

	/** A new configuration ends what `errd`, `checker` and `failover` have switched (spec/04 §3). */
	forgetSettings(name: string): void {
		const runtime = this.module(name);
		if (runtime === undefined) return;
		runtime.command({ command: "failover", who: "config", on: runtime.configuration.failover });
		const settings = settingsOf(runtime.configuration, this.bootFlag(name));
		for (const [setting, value] of settings) runtime.setResource(setting, value, "config", "auto");
	}

	async dropModule(name: string): Promise<void> {
		this.#failures.delete(name);
		const hosted = this.#hosted.get(name);
		if (hosted === undefined) return;
		hosted.bootTimer?.cancel();
		hosted.schedule?.stop();
		this.#hosted.delete(name);
		hosted.runtime.dispose();
		this.#world.release(name);
	}

	/** Modules that stand still are loaded anew; one that runs keeps its networks until it is stopped. */
	async reloadCluster(): Promise<void> {
		this.#world.clusterChanged();
		for (const name of await this.#world.configured()) {
			const runtime = this.module(name);
			if (runtime === undefined || (runtime.view().main === "STOP" && runtime.idle)) await this.#tryToLoad(name, false);
			else await this.#outlives(name, runtime);
		}
	}

	async #outlives(name: string, runtime: ModuleRuntime): Promise<void> {
		this.#outdated.add(name);
		await runtime.clusterChanged().catch((error) => this.#world.report(`${name} and the new cluster.xml`, error));
	}

	failures(): ReadonlyMap<string, unknown> {
		return this.#failures;
	}

	/** Why a configured module is not there. */
	failure(name: string): unknown {
		return this.#failures.get(name);
	}

	bootFlag(name: string): boolean {
		return this.#hosted.get(name)?.settings.now.boot ?? false;
	}

	setBootFlag(name: string, on: boolean): void {
		const hosted = this.#hosted.get(name);
		if (hosted === undefined) return;
		hosted.settings.change({ boot: on });
		describeSettings(hosted.runtime, on);
	}

	isInsideScript(module: { scriptPid: number | null }, pid: number): boolean {
		return module.scriptPid !== null && this.#world.sessionOf(pid) === module.scriptPid;
	}

	/** Modules that run now stop because the server goes down: boot="auto" starts them again. */
	shutDown(): void {
		for (const [name, { ran }] of this.#hosted) if (ran) this.#shutDown.add(name);
	}

	async #tryToLoad(name: string, atStart: boolean): Promise<void> {
		try {
			await this.#load(name, atStart);
		} catch (error) {
			if (!this.#failures.has(name)) this.#world.report(`module ${name} could not be loaded`, error);
			this.#failures.set(name, error);
			this.#retry ??= this.#world.clock.after(retryMs, () => {
				this.#retry = undefined;
				void this.#loadFailed();
			});
		}
	}

	/** An address that comes up late, a plugin that is put in place: what failed may work now. */
	async #loadFailed(): Promise<void> {
		for (const name of [...this.#failures.keys()]) await this.#tryToLoad(name, true);
	}

	#letGo(name: string): void {
		const before = this.#hosted.get(name);
		if (before === undefined) return;
		before.bootTimer?.cancel();
		before.schedule?.stop();
		this.#hosted.delete(name);
		before.runtime.detach();
	}

	/** Once in each run of the system (spec/01 §8). Noted after the start is stored, so that none is forgotten. */
	#startAtBoot(hosted: Hosted): void {
		const { runtime, settings } = hosted;
		const { incarnation } = this.#world;
		if (settings.now.bootedIn === incarnation) return;
		const { boot, bootDelayMs } = runtime.configuration;
		const { boot: flag, running } = settings.now;
		const wanted = boot === "on" || (boot === "ignore" && flag) || (boot === "auto" && running);
		if (!wanted) {
			settings.change({ bootedIn: incarnation });
			return;
		}
		hosted.bootPending = true;
		hosted.bootTimer = this.#world.clock.after(bootDelayMs, () => {
			if (runtime.view().main === "STOP") runtime.command({ command: "start", who: "boot" });
			hosted.bootPending = false;
			settings.change({ bootedIn: incarnation });
		});
	}

	#remember(hosted: Hosted): void {
		const { runtime, settings } = hosted;
		const { module } = runtime.configuration;
		const runs = runtime.view().main !== "STOP";
		// Started again since the shutdown: from now on a stop is one that a person wants.
		if (runs && !hosted.ran) this.#shutDown.delete(module);
		hosted.ran = runs;
		try {
			if (runs || !(this.#shutDown.has(module) || hosted.bootPending)) settings.change({ running: runs });
		} catch (error) {
			this.#world.report(`${module}: whether it runs could not be stored`, error);
		}
		if (!runs && runtime.idle && this.#outdated.delete(module)) void this.#tryToLoad(module, false);
	}
}

/** syncat lets the next synchronization through at its times (spec/06 §4). */
function scheduleOf(runtime: ModuleRuntime, clock: Clock): Schedule | null {
	const pattern = runtime.configuration.rfs?.syncAt ?? null;
	if (pattern === null) return null;
	return new Schedule(pattern, () => runtime.setResource("rfs.syncat", "up", "syncat"), clock);
}
