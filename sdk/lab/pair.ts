/** Two servers of a lab with the product and one module on them, set up with the commands that an administrator would use. */
import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SafekitError } from "../../core/errors.ts";
import { Lab } from "./lab.ts";
import { checkoutInNode, type LabNode, type NodeOptions } from "./node.ts";

export const nodeInNode = join(checkoutInNode, `node_modules/node-linux-${process.arch}/bin/node`);
const safekit = "/opt/safekit/safekit";
/** What the unit of systemd starts, for servers that have none. */
const daemon = `env NODE_COMPILE_CACHE=/var/safekit/run/compile-cache ${nodeInNode} ${checkoutInNode}/core/node/main.ts`;

export interface StateLine {
	node: string;
	state: string;
	status: string;
	why: string;
	resync: { doneBytes: number; totalBytes: number; files: number; mbPerS: number } | null;
}

export interface PairOptions {
	/** Names of the networks between the servers, one or two. */
	lans: readonly string[];
	/** Of the servers, for the lab that they are in. */
	node: (lab: Lab) => NodeOptions;
}

export class Pair {
	readonly lab: Lab;
	readonly nodes: [LabNode, LabNode];
	readonly module: string;
	readonly #lans: readonly string[];
	#onState: (line: StateLine) => void = () => {};
	readonly #last = new Map<string, StateLine>();

	private constructor(lab: Lab, nodes: [LabNode, LabNode], module: string, lans: readonly string[]) {
		this.lab = lab;
		this.nodes = nodes;
		this.module = module;
		this.#lans = lans;
	}

	/** Makes the servers, without the product. `opened` hears of the lab as soon as there is something to close. */
	static async make(module: string, options: PairOptions, opened: (lab: Lab) => void = () => {}): Promise<Pair> {
		const lab = await Lab.open({ lans: options.lans.length > 1 ? 2 : 1 });
		opened(lab);
		try {
			const node = options.node(lab);
			const nodes: [LabNode, LabNode] = [await lab.node("server0", node), await lab.node("server1", node)];
			return new Pair(lab, nodes, module, options.lans);
		} catch (error) {
			await lab.close();
			throw error;
		}
	}

	/** Hears every change of a server's state from now on. */
	watch(listener: (line: StateLine) => void): void {
		this.#onState = listener;
	}

	state(node: LabNode): StateLine | undefined {
		return this.#last.get(node.name);
	}

	/** `safekit setup` and the cluster: the ten lines of the README. */
	async setUp(): Promise<void> {
		const [first, second] = this.nodes;
		for (const node of this.nodes) {
			await node.run(`${nodeInNode} ${checkoutInNode}/core/cli/setup.ts setup`);
			this.#startProduct(node);
		}
		const zip = "/var/safekit/cluster.zip";
		await first.write("/var/safekit/lab.xml", this.#clusterXml());
		await first.run(`${safekit} cluster config /var/safekit/lab.xml && ${safekit} cluster package ${zip}`);
		cpSync(join(first.disk("/var/safekit"), "cluster.zip"), join(second.disk("/var/safekit"), "cluster.zip"));
		await second.run(`${safekit} cluster config ${zip}`);
	}

	/** Installs a package and configures the module. `prepare` runs between the two, as an administrator who fills in. */
	async install(
		node: LabNode,
		write: (file: string) => unknown,
		prepare: (node: LabNode) => unknown = () => {},
	): Promise<string> {
		const file = `${this.module}.safe`;
		await write(join(node.disk("/var/safekit"), file));
		await node.run(`${safekit} module install -m ${this.module} /var/safekit/${file}`);
		await prepare(node);
		const said = await this.command(node, "config");
		this.#follow(node);
		return said;
	}

	/** The server boots after a power cut; the product starts the module by itself (boot="on"). */
	async powerOn(node: LabNode): Promise<void> {
		await node.powerOn();
		this.#startProduct(node);
		this.#follow(node);
	}

	async powerCut(node: LabNode): Promise<void> {
		await node.powerCut();
		this.#take({ node: node.name, state: "OFF", status: "", why: "it has no power", resync: null });
	}

	/** A `safekit` command for the module. Throws with what it said. */
	command(node: LabNode, words: string): Promise<string> {
		return node.run(`${safekit} ${words} -m ${this.module} 2>&1`);
	}

	async until(node: LabNode, state: string, withinMs: number): Promise<void> {
		await this.lab.until(`${node.name} is ${state}`, withinMs, () => {
			const now = this.state(node);
			if (`${now?.state} ${now?.status}` === state) return true;
			throw new SafekitError("LAB_FAILED", `${now?.state} ${now?.status}: ${now?.why}`);
		});
	}

	/** A line that a person can paste to get a shell on the server. */
	shell(node: LabNode): string {
		return `nsenter -t ${node.pid} -m -u -i -n -p -r -w env PATH=/opt/safekit:/usr/sbin:/usr/bin:/sbin:/bin bash`;
	}

	#clusterXml(): string {
		const lan = (name: string, number: number): string => {
			const nodes = this.nodes.map((node) => `<node name="${node.name}" addr="${node.address(number)}"/>`);
			return `<lan name="${name}">${nodes.join("")}</lan>`;
		};
		return `<cluster><lans>${this.#lans.map(lan).join("")}</lans></cluster>\n`;
	}

	#startProduct(node: LabNode): void {
		if (!node.hasSystemd) node.startService("safeadmin", daemon);
	}

	/** Follows `safekit state --watch` on the server until it has no power any more. */
	#follow(node: LabNode): void {
		const enter = ["-t", String(node.pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w"];
		const watch = [safekit, "state", "--watch", "--json"];
		const child = spawn("setpriv", ["--pdeathsig", "KILL", "nsenter", ...enter, ...watch], {
			stdio: ["ignore", "pipe", "ignore"],
		});
		createInterface({ input: child.stdout }).on("line", (line) => this.#read(node, line));
		child.on("exit", () => {
			// Too early after a boot, or the product was restarted: look again as long as the server is on.
			if (node.isOn) setTimeout(() => node.isOn && this.#follow(node), 50).unref();
		});
	}

	#read(node: LabNode, line: string): void {
		try {
			const [module] = JSON.parse(line).modules;
			if (module === undefined) return;
			const { state, status, why, resync } = module;
			this.#take({ node: node.name, state, status, why, resync });
		} catch {
			// Half a line of a server that lost power.
		}
	}

	#take(line: StateLine): void {
		this.#last.set(line.node, line);
		this.#onState(line);
	}
}
