/**
 * Three servers of a lab with the product on them, one farm module with real web and name servers, and its clients. The
 * module has two virtual addresses of each family: one pair is reached by a virtual MAC, one through a directing server.
 */
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { ask } from "../scenarios/ask.ts";
import { safekit } from "../scenarios/mirror.ts";
import { Site } from "../scenarios/site.ts";
import { Clients } from "./clients.ts";
import { startNames, startWeb, stopNames, stopWeb, webConf } from "./webServer.ts";

const module = "web";
const commandWithinMs = 120_000;
export const types = ["vmac_invisible", "vmac_directed"] as const;
export type VirtualType = (typeof types)[number];

export interface FarmOptions {
	/** Servers; default 3. */
	count?: number;
	/** Weight by server; default 1 each. */
	powers?: Record<string, number>;
	/** Attributes of `<farm>`. */
	farm?: string;
	/** More elements of `<service>`. */
	more?: string;
	/** Of the types of addresses; default both. */
	types?: readonly VirtualType[];
	/** Whether servers answer names over UDP too; default no. */
	names?: boolean;
	/** Addresses of clients of each family. */
	clients?: number;
}

export class Farm {
	readonly lab: Lab;
	readonly nodes: LabNode[];
	readonly clients: Clients;
	readonly #site: Site;

	private constructor(lab: Lab, site: Site, clients: Clients) {
		this.lab = lab;
		this.nodes = site.nodes;
		this.clients = clients;
		this.#site = site;
	}

	/** Makes one, hands it to `body`, and ends what runs beside it. */
	static async with(
		lab: Lab,
		options: FarmOptions,
		log: (text: string) => void,
		body: (farm: Farm) => Promise<void>,
	): Promise<void> {
		const farm = await Farm.make(lab, options);
		try {
			await body(farm);
		} catch (error) {
			log(await farm.story());
			throw error;
		} finally {
			farm.clients.stop();
		}
	}

	static async make(lab: Lab, options: FarmOptions = {}): Promise<Farm> {
		const { count = 3 } = options;
		const numbers = Array.from({ length: count }, (_, index) => index + 1);
		const site = await Site.make(lab, count, { default: numbers });
		const farm = new Farm(lab, site, await Clients.make(lab, options.clients));
		for (const node of farm.nodes) await node.write("/var/safekit/web.conf", webConf(node.name));
		const names = options.names === true;
		await site.install(farm.nodes, { module, id: 1 }, farm.#service(options), {
			start_both: `set -e\n${startWeb}${names ? `\n${startNames}` : ""}`,
			stop_both: `${names ? `${stopNames}\n` : ""}${stopWeb}`,
		});
		return farm;
	}

	/** The virtual address of a type, IPv4 and IPv6. */
	address(type: VirtualType): [string, string] {
		const host = type === "vmac_invisible" ? 100 : 101;
		return [this.lab.address(host), this.lab.address6(host)];
	}

	/** Name of a server by the MAC of its frames. */
	async macs(): Promise<Record<string, string>> {
		const found: Record<string, string> = {};
		for (const node of this.nodes) found[await node.run("cat /sys/class/net/eth0/address")] = node.name;
		return found;
	}

	node(name: string): LabNode {
		const found = this.nodes.find((node) => node.name === name);
		if (found === undefined) throw new RangeError(`there is no ${name}`);
		return found;
	}

	async start(nodes = this.nodes): Promise<void> {
		for (const node of nodes) await this.command(node, "start");
		for (const node of nodes) await this.until(node, "UP Ready");
	}

	async stop(nodes = this.nodes): Promise<void> {
		for (const node of nodes) await this.command(node, "stop");
		for (const node of nodes) await this.until(node, "STOP NotReady");
	}

	/** A command of the module. */
	command(node: LabNode, words: string): Promise<string> {
		return node.run(`${safekit} ${words} -m ${module}`, { timeoutMs: commandWithinMs });
	}

	until(node: LabNode, state: string): Promise<void> {
		return this.#site.until(node, module, state);
	}

	/** Waits until each server names the same members. */
	async untilMembers(names: string[], on = names.map((name) => this.node(name))): Promise<void> {
		const wanted = `farm membership: ${names.join(" ")} (group`;
		for (const node of on) {
			await this.lab.until(`${node.name} is in the group of ${names.join(" ")}`, 60_000, async () => {
				const lines = (await this.log(node)).split("\n").filter((line) => line.includes("farm membership: "));
				return lines.at(-1)?.includes(wanted) ?? false;
			});
		}
	}

	/** They have all clients between them: the members say so, and no client is answered by anyone else. */
	async untilServing(names: string[]): Promise<void> {
		await this.untilMembers(names);
		const [target] = this.address("vmac_invisible");
		await this.lab.until(`clients are answered by ${names.join(" ")}`, 60_000, async () => {
			const { servers, failed } = await this.clients.askEach(target);
			if (Object.keys(servers).sort().join(" ") === names.join(" ") && Object.keys(failed).length === 0) return true;
			throw new Error(JSON.stringify({ servers, failed }));
		});
	}

	log(node: LabNode): Promise<string> {
		return ask(node, ["log", "-m", module, "-A", "-s", "10000"]);
	}

	/** What the servers say of the last minutes, for whoever wants to know why a test failed. */
	async story(): Promise<string> {
		const parts: string[] = [];
		for (const node of this.nodes.filter(({ isOn }) => isOn)) {
			const lines = await this.log(node).catch((error: Error) => error.message);
			const filter = await node.attempt("nft list ruleset; ip addr");
			parts.push(`${node.name}:\n${lines.split("\n").slice(-60).join("\n")}\n${filter.stdout}`);
		}
		return parts.join("\n\n");
	}

	async powerOn(node: LabNode): Promise<void> {
		await this.#site.powerOn(node);
	}

	/** Kills the daemon; the lab starts it again at once. */
	async killDaemon(node: LabNode): Promise<void> {
		const pid = await node.servicePid("safeadmin");
		await node.run(`kill -9 ${pid}`);
	}

	#service(options: FarmOptions): string {
		const used = options.types ?? types;
		const hosts = this.nodes.map(({ name }) => `<host name="${name}" power="${options.powers?.[name] ?? 1}"/>`);
		const cluster = `<cluster>${hosts.join("")}</cluster>`;
		return `<service mode="farm" boot="on" maxloop="100">
	<farm ${options.farm ?? ""}><lan name="default"/></farm>
	<vip><interface_list>${used.map((type) => this.#interface(type)).join("")}</interface_list>
		<loadbalancing_list>
			<group name="FarmProto">${cluster}<rule port="80" proto="tcp" filter="on_addr"/></group>
			${options.names === true ? this.#nameRules(cluster) : ""}
		</loadbalancing_list>
	</vip>
	${options.more ?? ""}
	<user/>
</service>`;
	}

	#interface(type: VirtualType): string {
		const addresses = this.address(type).map((addr) => `<virtual_addr addr="${addr}" where="alias" check="off"/>`);
		return `<interface check="off" arpreroute="on"><virtual_interface type="${type}">${addresses.join("")}</virtual_interface></interface>`;
	}

	/** Names: by the client's address at one virtual address, by the packet at the other. */
	#nameRules(cluster: string): string {
		const [byAddress, byPacket] = [this.address("vmac_invisible")[0], this.address("vmac_directed")[0]];
		return `<group name="Names">${cluster}<rule virtual_addr="${byAddress}" port="53" proto="udp" filter="on_addr"/>
<rule virtual_addr="${byPacket}" port="53" proto="udp" filter="on_ipid"/></group>`;
	}
}
