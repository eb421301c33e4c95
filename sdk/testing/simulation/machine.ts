/** One simulated server: the real daemon of core/node with its loop and its monitoring, on virtual time and a scripted world. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ProcessTable } from "../../../core/checkers/watched/table.ts";
import type { LogLevel, StateView } from "../../../core/engine/contract.ts";
import { type Paths, pathsFrom } from "../../../core/module/paths.ts";
import { Daemon } from "../../../core/node/daemon.ts";
import type { Hands } from "../../../core/node/hands.ts";
import { monitored } from "../../../core/node/monitored.ts";
import { Monitoring } from "../../../core/node/monitoring.ts";
import { type Plugins, schemaOf } from "../../../core/node/plugins/load.ts";
import type { ModuleRuntime } from "../../../core/node/runtime.ts";
import type { World } from "../../../core/node/world.ts";
import { Application } from "../scripted/application.ts";
import { scriptedOutside } from "../scripted/outside.ts";
import type { ScriptedWorld } from "../scripted/world.ts";
import { isThere, scriptedTest } from "./checks.ts";
import { Life, type VirtualClock } from "./clock.ts";
import { simulatedFarm } from "./farm.ts";
import type { Group } from "./group.ts";
import type { Lans } from "./lans.ts";
import type { TestedModule } from "./module.ts";
import type { Network, Station } from "./network.ts";
import { programOf } from "./programs.ts";
import { runReal } from "./real.ts";
import { Replica } from "./replica.ts";
import { ReplicaHands } from "./replicaHands.ts";
import type { SimulatedSandbox } from "./sandbox.ts";
import { ScriptPlan, type ScriptRun, Scripts } from "./scripts.ts";
import type { Timeline } from "./timeline.ts";

/** What the servers share. */
export interface Site {
	module: TestedModule;
	plugins: Plugins;
	clock: VirtualClock;
	timeline: Timeline;
	lans: Lans;
	network: Network;
	/** Of a farm. */
	group: Group;
	/** Of all servers, in the order of cluster.xml. */
	names: readonly string[];
	sandbox: SimulatedSandbox;
	/** What a test says of all servers. */
	world: ScriptedWorld;
	/** Temporary, removed at the end. */
	folder: string;
	copyMs(): number;
	/** The real runtime said that something is wrong with itself. */
	report(text: string): void;
}

/** Lines of the module's log that say what the timeline has as an event of its own. */
const shownAnyway =
	/^((Local|Remote) state|Resource \S+ set to|Action \w+ called by root$|Transition \w+ from failover rule)/;

export class Machine implements Station {
	readonly name: string;
	readonly site: Site;
	/** What a test says of this server. */
	readonly world: ScriptedWorld;
	readonly application: Application;
	readonly replica: Replica;
	readonly scripts: Scripts;
	readonly paths: Paths;
	/** The other server of a mirror. */
	readonly #peer: () => Machine | null;
	readonly #plans = new Map<string, ScriptPlan>();
	readonly #resources = new Map<string, string>();
	readonly #askedFor = new Set<string>();
	life: Life;
	powered = false;
	/** The virtual addresses are set here. */
	hasAddress = false;
	#boots = 0;
	#daemon: Daemon | null = null;
	#shown = "";
	#rule: string | null = null;

	constructor(site: Site, { name, peer, world }: { name: string; peer: () => Machine | null; world: ScriptedWorld }) {
		const { configuration } = site.module;
		this.site = site;
		this.name = name;
		this.world = world;
		this.#peer = peer;
		this.life = new Life(site.clock);
		this.application = new Application(configuration, (text) => site.timeline.add(name, "world", text));
		this.paths = pathsFrom({ SAFE: join(site.folder, name, "safe"), SAFEVAR: join(site.folder, name, "var") });
		const timeouts = (configuration.heart?.heartbeats ?? []).map(({ timeoutMs }) => timeoutMs);
		this.replica = new Replica({
			name,
			linkTimeoutMs: Math.max(1000, ...timeouts) * 0.9,
			lockTimeoutMs: configuration.rfs?.lockTimeoutMs ?? 0,
			reaches: () => site.network.carries(configuration.rfs?.lan ?? ""),
			copyMs: () => site.copyMs(),
			peer: () => (peer()?.powered ? (peer()?.replica ?? null) : null),
		});
		this.scripts = new Scripts({
			clock: site.clock,
			life: () => this.life,
			exists: (script) => site.module.hasScript(script),
			plan: (script) => this.plan(script),
			runReal: (request) => runReal(this, request),
			began: (run) => this.#scriptBegan(run),
			ended: (run, how) => this.#scriptEnded(run, how),
		});
		for (const folder of [this.paths.safe, this.paths.run]) mkdirSync(folder, { recursive: true });
	}

	/** The module's loop; @throws Error while the server has no power. */
	get runtime(): ModuleRuntime {
		const runtime = this.#daemon?.module(this.site.module.configuration.module);
		if (runtime === undefined) throw new Error(`${this.name} has no power.`);
		return runtime as ModuleRuntime;
	}

	get daemon(): Daemon | null {
		return this.#daemon;
	}

	view(): StateView | null {
		return this.powered ? this.runtime.view() : null;
	}

	plan(script: string): ScriptPlan {
		const known = this.#plans.get(script);
		if (known !== undefined) return known;
		const made = new ScriptPlan();
		this.#plans.set(script, made);
		return made;
	}

	/** `configured`: by hand, just now; otherwise the server boots. */
	async powerOn(configured: boolean): Promise<void> {
		const name = this.site.module.configuration.module;
		this.life = new Life(this.site.clock);
		this.powered = true;
		this.#boots++;
		const daemon = new Daemon(this.#world(configured));
		this.#daemon = daemon;
		await daemon.start();
		if (configured) await daemon.loadModule(name);
		const failure = daemon.failure(name);
		if (failure !== undefined) throw failure;
		this.runtime.watch(() => this.#look());
		this.#look();
	}

	powerLoss(): void {
		this.powered = false;
		this.life.end();
		this.hasAddress = false;
		this.application.powerLoss();
		this.site.network.leave(this);
		this.site.group.leave(this.name);
		this.replica.powerLoss();
		this.#daemon?.stop();
		this.#daemon = null;
		this.#resources.clear();
		this.#shown = "";
	}

	deliver(event: Parameters<Station["deliver"]>[0]): void {
		if (this.powered) this.runtime.deliver(event);
	}

	hear(resources: Record<string, string>): void {
		if (this.powered) this.runtime.peerResources = resources;
	}

	#world(configured: boolean): World {
		const { module, plugins, report } = this.site;
		const { configuration } = module;
		return {
			paths: this.paths,
			incarnation: `boot ${this.#boots}`,
			clock: this.life,
			modes: plugins.modes,
			processes: this.application.system,
			configured: async () => (configured ? [] : [configuration.module]),
			configuration: async () => configuration,
			nodeName: async () => this.name,
			membership: async () => ({
				node: this.name,
				peer: configuration.mode === "mirror" ? (this.#peer()?.name ?? null) : null,
			}),
			clusterChanged: () => {},
			configureOptions: async () => ({ schema: schemaOf(plugins.loaded), environment: {} }),
			scripts: () => this.scripts,
			hands: async (_, runtime) => this.#hands(runtime),
			release: () => {},
			sessionOf: () => null,
			toSyslog: (_, origin, level, text) => this.#logged(origin, level, text),
			report: (message, error) => report(`${this.name}: ${message}${error === undefined ? "" : `: ${error}`}`),
		};
	}

	#logged(origin: string, level: LogLevel, text: string): void {
		const { timeline } = this.site;
		if (shownAnyway.test(text)) return;
		if (/ from failover rule /.test(text)) timeline.add(this.name, "rule", text);
		else if (level !== "D" && level !== "I") timeline.add(this.name, "log", `${origin} ${level} ${text}`);
	}

	#hands(runtime: () => ModuleRuntime): Hands {
		const { life, site, replica } = this;
		const { configuration } = site.module;
		const farm = simulatedFarm({
			...{ name: this.name, names: site.names, group: site.group, configuration, life, runtime },
			setAddress: (set) => this.#setAddress(set),
		});
		let made: Monitoring | null = null;
		const monitoring = (): Monitoring => {
			made ??= this.#monitoring(runtime);
			return made;
		};
		return {
			nowMs: () => life.nowMs(),
			wallMs: () => life.wallMs(),
			after: (delayMs, call) => life.after(delayMs, call),
			scripts: this.scripts,
			vip: async (set) => (farm === null ? this.#setAddress(set) : await farm.set(set)),
			traffic: async (open) => await farm?.traffic(open),
			farm,
			announceVip: async () => {},
			replication: (fact) => {
				if ((configuration.rfs?.directories.length ?? 0) === 0) return null;
				replica.attach(life, (said) => void fact(said) as undefined);
				return new ReplicaHands(replica, configuration);
			},
			get monitoring() {
				return monitoring();
			},
			connect: (running) => {
				monitoring().takeUp(running);
				runtime().watch(() => monitoring().settingsChanged());
				void farm?.connect(running);
				site.network.join(this);
				replica.networkChanged();
			},
			disconnect: () => {
				farm?.disconnect();
				monitoring().detach();
			},
			reconfigure: async (next) => monitoring().reconfigure(next),
			outdated: false,
			clusterChanged: async () => {},
			announce: (says, resources) => {
				farm?.announce(says.main);
				site.network.announce(this, says, resources);
			},
			ping: async () => {
				const addresses = configuration.splitbrain?.addresses ?? [];
				const reachable = addresses.some((address) => isThere(address, this.#checked));
				monitoring().witness(reachable);
				return reachable;
			},
			reboot: () => this.#reboot(),
			report: (message, error) => site.report(`${this.name}: ${message}${error === undefined ? "" : `: ${error}`}`),
		};
	}

	get #checked() {
		return {
			clock: this.life,
			worlds: [this.world, this.site.world] as const,
			hasAddress: () => this.hasAddress,
		};
	}

	#monitoring(runtime: () => ModuleRuntime): Monitoring {
		const { life, site, paths } = this;
		const { configuration } = site.module;
		return new Monitoring({
			...monitored(runtime),
			clock: life,
			configuration,
			file: join(paths.run, "monitoring.json"),
			incarnation: `boot ${this.#boots}`,
			test: (settings) => scriptedTest(settings, this.#checked),
			table: new ProcessTable(this.application.system, life),
			program: (settings) => programOf(settings),
			typescript: (settings) =>
				site.sandbox.hands(site.module, settings, ({ asleep }) =>
					scriptedOutside({
						clock: life,
						worlds: this.#checked.worlds,
						application: this.application,
						resource: (name) => runtime().resources.get(name)?.value ?? null,
						asked: (what) => this.#asked(what),
						asleep,
					}),
				),
			handle: async (handler, resource) => this.#handle(handler, resource),
			report: (message, error) => site.report(`${this.name}: ${message}: ${error}`),
		});
	}

	/** Told once: so that a test may script what its checker really asks for. */
	#asked(what: string): void {
		if (this.#askedFor.has(what)) return;
		this.#askedFor.add(what);
		this.site.timeline.add(this.name, "world", `a checker asks for ${what}`);
	}

	/** A special handler of errd is a script like others. */
	async #handle(handler: string, resource: string): Promise<boolean> {
		const { module } = this.site.module.configuration;
		const request = { module, script: handler, args: [module, resource], timeoutMs: null, vars: [], logging: false };
		return (await this.scripts.show(request)).exitCode === 0;
	}

	/** A server that reboots is back after a minute, without power until then. */
	#reboot(): void {
		this.site.timeline.add(this.name, "world", "the module has the server reboot");
		this.site.clock.after(0, () => this.powerLoss());
		this.site.clock.after(60_000, () => {
			this.site.timeline.add(this.name, "world", "the server boots");
			void this.site.clock.during(() => this.powerOn(false));
		});
	}

	#setAddress(set: boolean): void {
		if (this.site.module.configuration.vip === null || this.hasAddress === set) return;
		this.hasAddress = set;
		this.site.timeline.add(this.name, "address", set ? "virtual addresses set" : "virtual addresses removed");
	}

	#scriptBegan({ script, args }: ScriptRun): void {
		this.site.timeline.add(this.name, "script", [script, ...args].join(" "));
	}

	#scriptEnded({ script, startedMs, endedMs, exitCode }: ScriptRun, how: string): void {
		const tookMs = (endedMs ?? startedMs) - startedMs;
		if (exitCode !== 0 || tookMs > 1000) {
			this.site.timeline.add(this.name, "script", `${script} ended: ${how} (${(tookMs / 1000).toFixed(1)} s)`);
		}
		const [, verb, of = ""] = /^(start|stop)_(\w+)$/.exec(script) ?? [];
		if (verb === "start" && exitCode === 0) this.application.started(of);
		if (verb === "stop" && exitCode === 0) this.application.stopped(of);
		if (script === "prestart") this.application.started("pre");
		if (script === "poststop") this.application.stopped("pre");
	}

	/** Notes in the timeline what has changed since the last look. */
	#look(): void {
		if (!this.powered) return;
		const { runtime, site } = this;
		const { main, status, rule } = runtime.view();
		for (const { name, value } of runtime.resources.all()) {
			if (this.#resources.get(name) === value) continue;
			this.#resources.set(name, value);
			if (!/^(state|usersetting|heart)\./.test(name)) site.timeline.add(this.name, "resource", `${name} = ${value}`);
		}
		if (rule !== this.#rule) {
			this.#rule = rule;
			if (rule !== null && main === "WAIT") site.timeline.add(this.name, "rule", `waits because of rule ${rule}`);
		}
		const shown = `${main} ${status}`;
		if (shown === this.#shown) return;
		site.timeline.add(this.name, "state", this.#shown === "" ? shown : `${this.#shown} → ${shown}`);
		this.#shown = shown;
	}
}
