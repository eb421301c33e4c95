/**
 * Several real servers on one machine, each with its own network, processes, mounts and root, joined by a switch.
 * ```ts
 * const lab = await Lab.open();
 * const n1 = await lab.node("n1");
 * await n1.powerCut();
 * await lab.until("n2 is ALONE", 5000, async () => (await n2.run("safekit state")).includes("ALONE"));
 * await lab.close();
 * ```
 * When the process that opened the lab dies, also by `kill -9`, nothing of it is left but a state folder, which the
 * next lab removes.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SafekitError } from "../../core/errors.ts";
import { LabNode, type NodeOptions } from "./node.ts";
import { describeMissing, missingForLab } from "./prerequisites.ts";
import { makeStateFolder, removeAbandoned, removeStateFolder } from "./state.ts";
import { Switch } from "./switch.ts";

export interface LabOptions {
	/** Number of networks between the nodes: 1 (default) or 2. */
	lans?: 1 | 2;
}

const pollEveryMs = 50;
const maxNodes = 50;

export class Lab {
	/** Folder on this machine with the nodes' disks and the logs of their services. */
	readonly folder: string;
	readonly #switch: Switch;
	readonly #nodes = new Map<string, LabNode>();
	#closed: Promise<void> | null = null;

	private constructor(folder: string, theSwitch: Switch) {
		this.folder = folder;
		this.#switch = theSwitch;
	}

	/** Opens a lab. Throws LAB_IMPOSSIBLE, naming what this machine lacks, and LAB_FAILED when it cannot be set up. */
	static async open(options: LabOptions = {}): Promise<Lab> {
		const missing = await missingForLab();
		if (missing.length > 0) throw new SafekitError("LAB_IMPOSSIBLE", describeMissing(missing));
		await removeAbandoned();
		const folder = makeStateFolder();
		try {
			return new Lab(folder, await Switch.start(options.lans ?? 1));
		} catch (error) {
			await removeStateFolder(folder);
			throw error;
		}
	}

	/** Makes a server and boots it. Its address ends in 1 for the first node, 2 for the second… */
	async node(name: string, options: NodeOptions = {}): Promise<LabNode> {
		if (!/^[a-z][a-z0-9-]{0,30}$/.test(name) || this.#nodes.has(name) || this.#nodes.size >= maxNodes)
			throw new SafekitError(
				"LAB_FAILED",
				`cannot make a node named '${name}': it exists, is no host name, or is too many`,
			);
		const folder = join(this.folder, name);
		mkdirSync(folder);
		const node = new LabNode(name, this.#nodes.size + 1, folder, this.#switch, options);
		this.#nodes.set(name, node);
		await node.powerOn();
		return node;
	}

	get nodes(): LabNode[] {
		return [...this.#nodes.values()];
	}

	/** Number of networks between the nodes. */
	get lanCount(): number {
		return this.#switch.lans;
	}

	/** An IPv4 address of a lan, for a virtual IP for example: `lab.address(100)` is 10.99.N.100. */
	address(host: number, lan = 0): string {
		return this.#switch.address(host, lan);
	}

	/** An IPv6 address of a lan. */
	address6(host: number, lan = 0): string {
		return this.#switch.address6(host, lan);
	}

	/** Pulls the node's cable to a lan ("lan0", "lan1"): it sees that it has no carrier. */
	async cut(node: LabNode, lan: string): Promise<void> {
		const number = ["lan0", "lan1"].slice(0, this.#switch.lans).indexOf(lan);
		if (number < 0) throw new SafekitError("LAB_FAILED", `this lab has no ${lan}`);
		await this.#switch.unplug(node.host, number);
	}

	/** The switch passes nothing to or from the node any more, in no lan; the node still sees a carrier. */
	async isolate(node: LabNode): Promise<void> {
		await this.#switch.silence(node.host, [...Array(this.#switch.lans).keys()]);
	}

	/** The switch falls in two: these nodes reach each other, and all others each other, in every lan; all see a carrier. */
	async split(nodes: readonly LabNode[]): Promise<void> {
		await this.#switch.separate(nodes.map(({ host }) => host));
	}

	/** What `from` sends no longer reaches `to`; what `to` sends still reaches `from`. */
	async oneWay(from: LabNode, to: LabNode): Promise<void> {
		await this.#switch.dropOneWay(from.host, to.host);
	}

	/** Mends every cut of the network. */
	async restore(): Promise<void> {
		await this.#switch.dropNothing();
		for (const node of this.nodes) if (node.isOn) await this.#switch.plug(node.host);
	}

	/** Waits until `check` returns something true, and returns it. Throws LAB_FAILED, naming what was waited for. */
	async until<T>(what: string, withinMs: number, check: () => T | Promise<T>): Promise<T> {
		const from = performance.now();
		let last: unknown;
		for (;;) {
			try {
				const value = await check();
				if (value) return value;
				last = value;
			} catch (error) {
				last = error instanceof Error ? error.message : error;
			}
			if (performance.now() - from > withinMs) break;
			await sleep(pollEveryMs);
		}
		throw new SafekitError("LAB_FAILED", `not within ${withinMs} ms: ${what} (at last: ${String(last)})`);
	}

	/** Switches everything off and removes what the lab made. Closing twice is no error: both wait for the end. */
	close(): Promise<void> {
		this.#closed ??= this.#close();
		return this.#closed;
	}

	async #close(): Promise<void> {
		await Promise.all(this.nodes.filter((node) => node.isOn).map((node) => node.powerCut()));
		await this.#switch.box.kill();
		await removeStateFolder(this.folder);
	}
}
