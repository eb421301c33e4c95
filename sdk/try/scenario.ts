/** What a trial shows: start, data and clients on the other server, a power cut, the return, the stop. */
import { join } from "node:path";
import { SafekitError } from "../../core/errors.ts";
import type { LabNode } from "../lab/node.ts";
import type { Pair } from "../lab/pair.ts";
import type { TriedModule } from "./module.ts";
import { joinNetworks } from "./servers.ts";

const startWithinMs = 180_000;
const resyncWithinMs = 300_000;
/** A checker needs its first interval to look. */
const checkWithinMs = 30_000;
const stopWithinMs = 700_000;
/** A file that the trial writes where the module replicates. */
const mark = ".opensafe-try-mark";

/** What `--json` prints. */
export interface Trial {
	module: string;
	mode: string;
	/**
	 * From the power cut to the application running on the other server; of a farm, to that one answering all clients.
	 * Null: light, and farms without virtual address.
	 */
	failoverMs: number | null;
	/** From the power of the first server to its data being up to date again; without data until it runs again. */
	returnMs: number;
	/** What was written before the power cut was on the other server; null: nothing is replicated. */
	dataFollowed: boolean | null;
}

export class Scenario {
	readonly #pair: Pair;
	readonly #module: TriedModule;
	readonly #say: (text: string) => void;
	/** Where the application runs, and the other one. */
	#roles: [LabNode, LabNode];

	constructor(pair: Pair, module: TriedModule, say: (text: string) => void) {
		this.#pair = pair;
		this.#module = module;
		this.#say = say;
		this.#roles = [...pair.nodes];
	}

	get #isMirror(): boolean {
		return this.#module.configuration.mode === "mirror";
	}

	/** Servers that the module is started on. */
	get #used(): LabNode[] {
		return this.#module.configuration.mode === "light" ? [this.#pair.nodes[0]] : this.#pair.nodes;
	}

	/** The resource that shows how many of a farm's clients a server answers; null: it shares none out. */
	get #share(): string | null {
		const group = this.#module.configuration.vip?.balancing[0];
		return group === undefined ? null : `${group.name}_0`;
	}

	async start(): Promise<void> {
		const [first, second] = this.#roles;
		if (!this.#isMirror) {
			for (const node of this.#used) await this.#order(node, "start");
			for (const node of this.#used) await this.#reach(node, "UP Ready", startWithinMs);
			await this.#sharing(false);
			return await this.#checked(first);
		}
		// On a first start, a person says whose data is good.
		await this.#order(first, this.#directory === null ? "start" : "prim");
		await this.#reach(first, "ALONE Ready", startWithinMs);
		await this.#order(second, "start");
		await this.#reach(second, "SECOND Ready", resyncWithinMs);
		await this.#reach(first, "PRIM Ready", startWithinMs);
		await this.#checked(first);
	}

	/** Waits for a state; a module that was started and stopped again will not come to it. */
	async #reach(node: LabNode, wanted: string, withinMs: number): Promise<void> {
		let isStarted = false;
		const stopped = await this.#pair.lab.until(`${node.name} is ${wanted}`, withinMs, () => {
			const { state, status, why } = this.#pair.state(node) ?? { state: "off", status: "", why: "" };
			if (`${state} ${status}` === wanted) return "no";
			if (isStarted && state === "STOP") return "yes";
			isStarted ||= state !== "STOP" && state !== "OFF" && state !== "off";
			throw new SafekitError("LAB_FAILED", `${state} ${status}: ${why}`);
		});
		if (stopped === "yes") throw new SafekitError("LAB_FAILED", `${node.name} stopped instead of becoming ${wanted}`);
	}

	/** Waits until the second server of a farm answers all clients, or leaves some to the first one. */
	async #sharing(all: boolean): Promise<void> {
		const share = this.#share;
		if (share === null) return;
		const [, second] = this.#roles;
		const what = `${second.name} ${all ? "answers all clients" : "shares the clients"}`;
		await this.#pair.lab.until(what, startWithinMs, async () => {
			const now = (await this.#pair.command(second, `get -r ${share}`)).trim();
			if ((now === "100%") !== all) throw new SafekitError("LAB_FAILED", `${share} is ${now}`);
			return true;
		});
	}

	/** What the checkers find out where the application runs. */
	async #checked(node: LabNode): Promise<void> {
		// Those of virtual addresses are named after the lab's network.
		const checkers = this.#module.configuration.checkers.filter(({ kind }) => kind !== "intf" && kind !== "ip");
		for (const { resource } of checkers) {
			const read = async (): Promise<string> => (await this.#pair.command(node, `get -r ${resource}`)).trim();
			const known = this.#pair.lab.until(resource, checkWithinMs, async () => {
				const value = await read();
				return value !== "init" && value;
			});
			this.#say(`${resource} on ${node.name}: ${await known.catch(() => "not known yet")}`);
		}
	}

	/** The server that runs the application loses power, and returns. */
	async failOver(): Promise<Trial> {
		const [first, second] = this.#roles;
		const text = `written on ${first.name}`;
		if (this.#directory !== null) await first.write(join(this.#directory, mark), text);
		const waitsMs = Math.max(0, ...(this.#module.configuration.heart?.heartbeats ?? []).map((each) => each.timeoutMs));
		const patience = this.#isMirror ? ` The other one waits ${waitsMs / 1000} s for a sign of life.` : "";
		this.#say(`${first.name} loses power.${patience}`);
		const fromMs = performance.now();
		await this.#pair.powerCut(first);
		let [failoverMs, dataFollowed]: [number | null, boolean | null] = [null, null];
		if (this.#isMirror) {
			await this.#reach(second, "ALONE Ready", startWithinMs);
			failoverMs = Math.round(performance.now() - fromMs);
			this.#say(`${second.name} runs the application, ${failoverMs} ms after the power cut.`);
			dataFollowed = await this.#hasMark(second, text);
		}
		if (this.#share !== null) {
			await this.#sharing(true);
			failoverMs = Math.round(performance.now() - fromMs);
			this.#say(`${second.name} answers all clients, ${failoverMs} ms after the power cut.`);
		}
		this.#say(`${first.name} gets power again.`);
		const backMs = performance.now();
		await this.#pair.powerOn(first);
		await joinNetworks(first, this.#pair, this.#module);
		await this.#returned(first, second);
		const returnMs = Math.round(performance.now() - backMs);
		if (this.#isMirror) this.#roles = [second, first];
		const { name: module, configuration } = this.#module;
		return { module, mode: configuration.mode, failoverMs, returnMs, dataFollowed };
	}

	async stop(): Promise<void> {
		// The secondary first: there is nothing to take over.
		for (const node of this.#isMirror ? [...this.#roles].reverse() : this.#used) {
			await this.#order(node, "stop");
			await this.#pair.until(node, "STOP NotReady", stopWithinMs);
		}
	}

	async #returned(first: LabNode, second: LabNode): Promise<void> {
		if (this.#module.configuration.boot !== "on") {
			this.#say(`The module is not started at boot (boot="on" does it): it is started by hand.`);
			await this.#pair.lab.until(`${first.name} answers`, startWithinMs, () => this.#pair.command(first, "start"));
		}
		if (!this.#isMirror) {
			await this.#reach(first, "UP Ready", startWithinMs);
			return await this.#sharing(false);
		}
		await this.#reach(first, "SECOND Ready", resyncWithinMs);
		await this.#reach(second, "PRIM Ready", startWithinMs);
	}

	async #hasMark(node: LabNode, text: string): Promise<boolean | null> {
		if (this.#directory === null) return null;
		const found = (await node.read(join(this.#directory, mark))) === text;
		await node.run(`rm -f '${join(this.#directory, mark)}'`);
		this.#say(`What was written before is ${found ? "" : "NOT "}there, in ${this.#directory}.`);
		return found;
	}

	get #directory(): string | null {
		return this.#module.configuration.rfs?.directories[0]?.dir ?? null;
	}

	async #order(node: LabNode, command: string): Promise<void> {
		this.#say(`${node.name}: safekit ${command} -m ${this.#pair.module}`);
		await this.#pair.command(node, command);
	}
}
