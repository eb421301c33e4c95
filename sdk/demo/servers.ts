/** The demo's two servers: made in a lab, set up with the commands that an administrator would use. */
import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writePackage } from "../../core/module/package/write.ts";
import { Lab } from "../lab/lab.ts";
import { checkoutInNode, type LabNode } from "../lab/node.ts";

export const timeoutMs = 2000;
export const moduleName = "demo";
const data = "/var/opensafe-demo";
const port = "8080";
/** Last part of the virtual IP address. */
const virtualHost = 100;
const safekit = "/opt/safekit/safekit";
const nodeInNode = join(checkoutInNode, `node_modules/node-linux-${process.arch}/bin/node`);
/** What the unit of systemd would start; the demo's servers have no systemd. */
const daemon = `env NODE_COMPILE_CACHE=/var/safekit/run/compile-cache ${nodeInNode} ${checkoutInNode}/core/node/main.ts`;

export interface StateLine {
	node: string;
	state: string;
	status: string;
	why: string;
	resync: { doneBytes: number; totalBytes: number; files: number; mbPerS: number } | null;
}

export class Servers {
	readonly lab: Lab;
	readonly nodes: [LabNode, LabNode];
	readonly url: string;
	#onState: (line: StateLine) => void = () => {};
	readonly #last = new Map<string, StateLine>();

	private constructor(lab: Lab, nodes: [LabNode, LabNode], url: string) {
		this.lab = lab;
		this.nodes = nodes;
		this.url = url;
	}

	/** Makes the servers, without the product. `sabotage` goes into their environment. */
	static async make(sabotage: string | null): Promise<Servers> {
		const lab = await Lab.open();
		try {
			const address = lab.address(virtualHost);
			const env: Record<string, string> = {
				DEMO_NODE: nodeInNode,
				DEMO_APP: join(checkoutInNode, "sdk/demo/app.ts"),
				DEMO_VIP: address,
				DEMO_DIR: data,
				DEMO_PORT: port,
				...(sabotage === null ? {} : { OPENSAFE_SABOTAGE: sabotage }),
			};
			const options = { keep: [data], env };
			const nodes: [LabNode, LabNode] = [await lab.node("server0", options), await lab.node("server1", options)];
			return new Servers(lab, nodes, `http://${address}:${port}`);
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

	/** `safekit setup`, cluster, module: the ten lines of the README. */
	async install(): Promise<void> {
		const [first, second] = this.nodes;
		for (const node of this.nodes) {
			await node.run(`${nodeInNode} ${checkoutInNode}/core/cli/setup.ts setup`);
			this.#startProduct(node);
		}
		await first.run(`${safekit} cluster create ${first.address()} ${second.address()} && ${safekit} cluster config`);
		await first.run(`${safekit} cluster package /var/safekit/cluster.zip`);
		cpSync(join(first.disk("/var/safekit"), "cluster.zip"), join(second.disk("/var/safekit"), "cluster.zip"));
		await second.run(`${safekit} cluster config /var/safekit/cluster.zip`);
		await Promise.all(this.nodes.map((node) => this.#installModule(node)));
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

	/** A `safekit` command for the demo's module. */
	command(node: LabNode, words: string): Promise<string> {
		return node.run(`${safekit} ${words} -m ${moduleName}`);
	}

	async until(node: LabNode, state: string, withinMs: number): Promise<void> {
		await this.lab.until(`${node.name} is ${state}`, withinMs, () => {
			const now = this.state(node);
			return `${now?.state} ${now?.status}` === state;
		});
	}

	/** A line that a person can paste to get a shell on the server. */
	shell(node: LabNode): string {
		return `nsenter -t ${node.pid} -m -u -i -n -p -r -w env PATH=/opt/safekit:/usr/sbin:/usr/bin:/sbin:/bin bash`;
	}

	async #installModule(node: LabNode): Promise<void> {
		const file = `${moduleName}.safe`;
		await writePackage(join(import.meta.dirname, "module"), join(node.disk("/var/safekit"), file));
		await node.run(`${safekit} module install -m ${moduleName} /var/safekit/${file}`);
		await this.command(node, "config");
		this.#follow(node);
	}

	#startProduct(node: LabNode): void {
		node.startService("safeadmin", daemon);
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
