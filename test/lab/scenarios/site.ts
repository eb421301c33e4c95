/** Any number of servers in one cluster, each with modules of its own: what the clusters of two (mirror.ts) are not. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import AdmZip from "adm-zip";
import type { Lab } from "../../../sdk/lab/lab.ts";
import { checkoutInNode, type LabNode } from "../../../sdk/lab/node.ts";
import { ask } from "./ask.ts";
import { daemon, nodeInNode, safekit } from "./mirror.ts";

const commandWithinMs = 120_000;

export class Site {
	readonly lab: Lab;
	readonly nodes: LabNode[];

	private constructor(lab: Lab, nodes: LabNode[]) {
		this.lab = lab;
		this.nodes = nodes;
	}

	/** Boots servers n1, n2… and makes a cluster of them. `lans`: name, and the servers on it. */
	static async make(lab: Lab, count: number, lans: Record<string, number[]>): Promise<Site> {
		const nodes: LabNode[] = [];
		for (let number = 1; number <= count; number++) nodes.push(await lab.node(`n${number}`));
		const site = new Site(lab, nodes);
		for (const node of nodes) {
			await node.run(`${nodeInNode} ${checkoutInNode}/core/cli/setup.ts setup`, { timeoutMs: commandWithinMs });
			site.startDaemon(node);
		}
		const line = (number: number): string => `<node name="n${number}" addr="${nodes[number - 1]?.address(0)}"/>`;
		const xml = Object.entries(lans).map(([name, on]) => `<lan name="${name}">${on.map(line).join("")}</lan>`);
		const [first, ...others] = nodes as [LabNode, ...LabNode[]];
		await first.write("/var/safekit/my.xml", `<cluster><lans>${xml.join("")}</lans></cluster>\n`);
		await first.run(`${safekit} cluster config /var/safekit/my.xml && ${safekit} cluster package /var/safekit/my.zip`);
		for (const node of others) {
			copyFileSync(join(first.disk("/var/safekit"), "my.zip"), join(node.disk("/var/safekit"), "my.zip"));
			await node.run(`${safekit} cluster config /var/safekit/my.zip`);
		}
		return site;
	}

	/** The server with this number, from 1. */
	node(number: number): LabNode {
		const found = this.nodes[number - 1];
		if (found === undefined) throw new RangeError(`there is no n${number}`);
		return found;
	}

	startDaemon(node: LabNode): void {
		node.startService("safeadmin", daemon);
	}

	async powerOn(node: LabNode): Promise<void> {
		await node.powerOn();
		this.startDaemon(node);
		await this.lab.until(`the daemon of ${node.name} answers`, 30_000, () => ask(node, ["state"]));
	}

	/** Installs and configures a module on some servers, under one number. `scripts`: what stands below `#!/bin/sh`. */
	async install(
		on: LabNode[],
		{ module, id }: { module: string; id: number },
		service: string,
		scripts: Record<string, string>,
	): Promise<void> {
		const zip = new AdmZip();
		zip.addFile("conf/userconfig.xml", Buffer.from(`<safe>${service}</safe>\n`));
		for (const [name, text] of Object.entries(scripts)) {
			zip.addFile(`bin/${name}`, Buffer.from(`#!/bin/sh\n${text}\n`), "", 0o755);
		}
		for (const node of on) {
			zip.writeZip(join(node.disk("/var/safekit"), `${module}.safe`));
			await node.run(`${safekit} module install -m ${module} -M ${id} /var/safekit/${module}.safe`);
			await node.run(`${safekit} config -m ${module}`);
		}
	}

	/** `PRIM Ready`. */
	async state(node: LabNode, module: string): Promise<string> {
		return (await ask(node, ["state", "-m", module, "-l"])).trim();
	}

	async until(node: LabNode, module: string, wanted: string, withinMs = 60_000): Promise<void> {
		await this.lab.until(`${module} is ${wanted} on ${node.name}`, withinMs, async () => {
			const state = await this.state(node, module);
			if (state !== wanted) throw new Error(state);
			return true;
		});
	}

	log(node: LabNode, module: string): Promise<string> {
		return ask(node, ["log", "-m", module, "-A", "-s", "10000"]);
	}
}
