/** The simulated cluster of two servers, as tests of modules see it. */
import { rmSync } from "node:fs";
import { loadPlugins, type Plugins } from "../../core/node/plugins/load.ts";
import { millisecondsOf, type Time } from "./duration.ts";
import { closing, currentModule } from "./register.ts";
import { makeScratch } from "./scratch.ts";
import { ScriptedWorld } from "./scripted/world.ts";
import { Server } from "./server.ts";
import { VirtualClock } from "./simulation/clock.ts";
import type { Site } from "./simulation/machine.ts";
import { readModule, type TestedModule } from "./simulation/module.ts";
import { Network } from "./simulation/network.ts";
import { SimulatedSandbox } from "./simulation/sandbox.ts";
import { Timeline } from "./simulation/timeline.ts";

/**
 * @example
 * const both = await cluster({ module: "/home/me/mymodule" });
 */
export interface ClusterOptions {
	/** Folder of the module; by default the one whose tests are run. */
	module?: string;
}

/** A resynchronization takes so long unless a test says otherwise. */
const usualCopyMs = 5000;

/**
 * Two servers, `n1` and `n2`, on which the module is configured and not started. What is scripted on the cluster itself
 * (`http`, `tcp`, `program`, `file`, `address`) counts on both servers. Time is virtual: it passes only while a test
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
	readonly #site: Site;
	#copyMs = usualCopyMs;
	/** What the runtime said is wrong with itself: the test fails. */
	readonly reports: string[] = [];

	/** @internal Use `cluster()`. */
	constructor(module: TestedModule, plugins: Site["plugins"]) {
		super();
		const clock = new VirtualClock();
		const { heart } = module.configuration;
		const network = new Network(heart, () => this.#networkChanged());
		const folder = makeScratch();
		const report = (text: string): void => void this.reports.push(text);
		this.#site = {
			...{ module, plugins, clock, network, folder, report, world: this },
			sandbox: new SimulatedSandbox(folder, clock, (text) => this.timeline.add(null, "log", text)),
			timeline: new Timeline(() => clock.nowMs()),
			copyMs: () => this.#copyMs,
		};
		this.n1 = new Server(this.#site, "n1", () => this.n2);
		this.n2 = new Server(this.#site, "n2", () => this.n1);
	}

	get servers(): readonly [Server, Server] {
		return [this.n1, this.n2];
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
	 * SECOND on n2; any other module is UP on n1, and n2 is left alone.
	 */
	async start(): Promise<void> {
		const { n1, n2 } = this;
		const { mode, rfs } = this.#site.module.configuration;
		const replicates = (rfs?.directories.length ?? 0) > 0;
		if (mode !== "mirror") {
			await n1.start();
			return await n1.becomes("UP");
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
		const lans = this.#lans(lan);
		this.timeline.add(null, "world", `network cut: ${lans.join(", ")}`);
		this.#site.network.cut(lans);
	}

	/** Mends a network, or all of them. */
	mend(lan?: string): void {
		const lans = this.#lans(lan);
		this.timeline.add(null, "world", `network mended: ${lans.join(", ")}`);
		this.#site.network.mend(lans);
	}

	/** How long resynchronizations take from now on: 5 s until a test says otherwise. */
	copyTakes(time: Time): void {
		this.#copyMs = millisecondsOf(time);
	}

	#lans(lan: string | undefined): string[] {
		const all = this.#site.network.lans;
		if (lan === undefined) return all;
		if (!all.includes(lan)) throw new TypeError(`The module has no heartbeat on '${lan}'; it has ${all.join(", ")}.`);
		return [lan];
	}

	#networkChanged(): void {
		for (const server of this.servers) server.networkChanged();
	}

	/** @internal */
	async configure(): Promise<void> {
		for (const server of this.servers) await server.configure();
	}

	/** Ends both servers and removes their files; done by itself at the end of a test. */
	async close(): Promise<void> {
		for (const server of this.servers) server.close();
		await this.#site.sandbox.close();
		rmSync(this.#site.folder, { recursive: true, force: true, maxRetries: 3 });
	}
}

/** Once a process: they do not change while tests run. */
let loaded: Promise<Plugins> | undefined;

/**
 * Makes a cluster of two simulated servers on which the module is configured. It ends with the test.
 *
 * @throws SafekitError when the module cannot be read, or nothing carries out its mode.
 * @example
 * const both = await cluster();
 * await both.start();
 * both.n1.losesPower();
 * await both.n2.becomes("ALONE");
 */
export async function cluster(options: ClusterOptions = {}): Promise<Cluster> {
	loaded ??= loadPlugins(process.env.SAFE || null);
	const plugins = await loaded;
	const made = new Cluster(await readModule(options.module ?? currentModule(), plugins), plugins);
	closing(made);
	await made.configure();
	return made;
}
