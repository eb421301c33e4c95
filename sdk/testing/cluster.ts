/** The simulated cluster of servers, as tests of modules see it. */
import { rmSync } from "node:fs";
import { loadPlugins, type Plugins } from "../../core/node/plugins/load.ts";
import { millisecondsOf, type Time } from "./duration.ts";
import { closing, currentModule } from "./register.ts";
import { makeScratch } from "./scratch.ts";
import { ScriptedWorld } from "./scripted/world.ts";
import { Server } from "./server.ts";
import { VirtualClock } from "./simulation/clock.ts";
import { Group } from "./simulation/group.ts";
import { Lans } from "./simulation/lans.ts";
import type { Site } from "./simulation/machine.ts";
import { readModule, type TestedModule } from "./simulation/module.ts";
import { Network } from "./simulation/network.ts";
import { SimulatedSandbox } from "./simulation/sandbox.ts";
import { Timeline } from "./simulation/timeline.ts";

/** How many servers there can be. */
const [fewest, most] = [2, 16];

/**
 * @example
 * const three = await cluster({ servers: 3 });
 */
export interface ClusterOptions<Count extends number = 2> {
	/** Folder of the module; by default the one whose tests are run. */
	module?: string;
	/** From 2 (default) to 16; a mirror has 2. */
	servers?: Count;
}

/** `"n1" | "n2" | "n3"` for 3. */
type Names<
	Count extends number,
	Found extends string = never,
	Counted extends 0[] = [],
> = Counted["length"] extends Count
	? Found
	: Counted["length"] extends 16
		? never
		: Names<Count, Found | `n${[...Counted, 0]["length"] & number}`, [...Counted, 0]>;

/**
 * A cluster with its servers by name: `n1`, `n2` and so on.
 *
 * @example
 * const { n1, n2, n3 } = await cluster({ servers: 3 });
 */
export type ClusterOf<Count extends number> = Cluster & { readonly [Name in Names<Count>]: Server };

/** A resynchronization takes so long unless a test says otherwise. */
const usualCopyMs = 5000;

/**
 * Servers, `n1`, `n2` and so on, on which the module is configured and not started. What is scripted on the cluster itself
 * (`http`, `tcp`, `program`, `file`, `address`) counts on all of them. Time is virtual: it passes only while a test
 * waits for something.
 *
 * @example
 * const both = await cluster();
 * await both.start();
 * both.http("http://127.0.0.1/health").answers(500);
 * await both.pass("1h");
 */
export class Cluster extends ScriptedWorld {
	readonly n1: Server;
	readonly n2: Server;
	/** All servers, in the order of cluster.xml. */
	readonly servers: readonly [Server, Server, ...Server[]];
	readonly #site: Site;
	#copyMs = usualCopyMs;
	/** What the runtime said is wrong with itself: the test fails. */
	readonly reports: string[] = [];

	/** @internal Use `cluster()`. */
	constructor(module: TestedModule, plugins: Site["plugins"], count: number) {
		super();
		const clock = new VirtualClock();
		const { heart, farm } = module.configuration;
		const lans = new Lans([...(heart?.heartbeats ?? []).map(({ lan }) => lan), ...(farm?.lans ?? [])]);
		const network = new Network(heart, lans, () => this.#networkChanged());
		const folder = makeScratch();
		const report = (text: string): void => void this.reports.push(text);
		const names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
		this.#site = {
			...{ module, plugins, clock, lans, network, folder, report, names, world: this },
			group: new Group(clock, lans),
			sandbox: new SimulatedSandbox(folder, clock, (text) => this.timeline.add(null, "log", text)),
			timeline: new Timeline(() => clock.nowMs()),
			copyMs: () => this.#copyMs,
		};
		const peerOf = (index: number) => () => this.servers[1 - index];
		const [n1, n2, ...more] = names.map((name, index) => new Server(this.#site, name, peerOf(index)));
		[this.n1, this.n2] = [n1 as Server, n2 as Server];
		this.servers = [this.n1, this.n2, ...more];
		for (const server of more) Object.defineProperty(this, server.name, { value: server, enumerable: true });
	}

	/** What happened until now, oldest first. */
	get timeline(): Timeline {
		return this.#site.timeline;
	}

	/** Virtual milliseconds since the cluster was made. */
	get nowMs(): number {
		return this.#site.clock.nowMs();
	}

	/**
	 * Starts the module as an administrator does after the installation, and waits: a mirror is then PRIM on n1 and
	 * SECOND on n2; a farm is UP on all servers; any other module is UP on n1, and the other servers are left alone.
	 */
	async start(): Promise<void> {
		const { n1, n2, servers } = this;
		const { mode, rfs } = this.#site.module.configuration;
		const replicates = (rfs?.directories.length ?? 0) > 0;
		if (mode !== "mirror") {
			const used = mode === "farm" ? servers : [n1];
			for (const server of used) await server.start();
			for (const server of used) await server.becomes("UP");
			return;
		}
		if (replicates) await n1.prim();
		else await n1.start();
		await n1.becomes("ALONE");
		await n2.start();
		await n2.becomes("SECOND");
		await n1.becomes("PRIM");
	}

	/**
	 * Lets virtual time pass.
	 * @example
	 * await both.pass("24h");
	 */
	async pass(time: Time): Promise<void> {
		const { clock } = this.#site;
		await clock.pass(clock.nowMs() + millisecondsOf(time));
	}

	/** Cuts a network between the servers (by the name that heartbeats have for it), or all of them. */
	cut(lan?: string): void {
		const lans = this.#site.lans.meant(lan);
		this.timeline.add(null, "world", `network cut: ${lans.join(", ")}`);
		this.#site.lans.cut(lans);
		this.#site.network.lansChanged();
		this.#site.group.wake();
	}

	/** Mends a network, or all of them. */
	mend(lan?: string): void {
		const lans = this.#site.lans.meant(lan);
		this.timeline.add(null, "world", `network mended: ${lans.join(", ")}`);
		this.#site.lans.mend(lans);
		this.#site.network.lansChanged();
		this.#site.group.wake();
	}

	/** How long resynchronizations take from now on: 5 s until a test says otherwise. */
	copyTakes(time: Time): void {
		this.#copyMs = millisecondsOf(time);
	}

	#networkChanged(): void {
		for (const server of this.servers) server.networkChanged();
	}

	/** @internal */
	async configure(): Promise<void> {
		for (const server of this.servers) await server.configure();
	}

	/** Ends all servers and removes their files; done by itself at the end of a test. */
	async close(): Promise<void> {
		for (const server of this.servers) server.close();
		await this.#site.sandbox.close();
		rmSync(this.#site.folder, { recursive: true, force: true, maxRetries: 3 });
	}
}

/** Once a process: they do not change while tests run. */
let loaded: Promise<Plugins> | undefined;

/**
 * Makes a cluster of simulated servers on which the module is configured. It ends with the test.
 *
 * @throws SafekitError when the module cannot be read, or nothing carries out its mode; TypeError when there cannot be so
 * many servers.
 * @example
 * const both = await cluster();
 * await both.start();
 * both.n1.losesPower();
 * await both.n2.becomes("ALONE");
 */
export async function cluster<const Count extends number = 2>(
	options: ClusterOptions<Count> = {},
): Promise<ClusterOf<Count>> {
	loaded ??= loadPlugins(process.env.SAFE || null);
	const plugins = await loaded;
	const module = await readModule(options.module ?? currentModule(), plugins);
	const count = options.servers ?? fewest;
	const limit = module.configuration.mode === "mirror" ? fewest : most;
	if (!Number.isInteger(count) || count < fewest || count > limit)
		throw new TypeError(
			`A module of mode ${module.configuration.mode} has ${fewest === limit ? "" : `${fewest} to `}${limit} servers, not ${count}.`,
		);
	const made = new Cluster(module, plugins, count);
	closing(made);
	await made.configure();
	return made as ClusterOf<Count>;
}
