/** The switch of a lab: a box with one bridge for each lan, a cable to this machine and one to each node. */
import { execa } from "execa";
import { SafekitError } from "../../core/errors.ts";
import { Box } from "./box.ts";

/** Ends with its owner; bash as init buries the dead. */
const script = "ip link set lo up; echo ready; while read -r _; do :; done";
/** The first lan is 10.99.N.0/24, the second 10.98.N.0/24, with the first N that is free here. */
const firstNumber = 7;
const lastNumber = 60;
const hostHostPart = 254;

export class Switch {
	readonly box: Box;
	/** The N of 10.99.N.0/24. */
	readonly number: number;
	readonly lans: number;

	private constructor(box: Box, number: number, lans: number) {
		this.box = box;
		this.number = number;
		this.lans = lans;
	}

	/** Starts the switch with `lans` lans (1 or 2). This machine gets address .254 in each. */
	static async start(lans: number): Promise<Switch> {
		const box = await Box.start("the switch", script, {});
		try {
			const number = await connectHost(box);
			const made = new Switch(box, number, lans);
			for (let lan = 0; lan < lans; lan++) await made.#makeLan(lan);
			return made;
		} catch (error) {
			await box.kill();
			throw error;
		}
	}

	/** IPv4 address in a lan: `host` is its last part, 1 to 254. */
	address(host: number, lan: number): string {
		return `10.${99 - lan}.${this.number}.${host}`;
	}

	/** IPv6 address in a lan. */
	address6(host: number, lan: number): string {
		return `fd${99 - lan}:${this.number}::${host}`;
	}

	/** Connects a node: eth0, eth1… of the box, with addresses that end in `host` and the same MAC at every boot. */
	async connect(node: Box, host: number): Promise<void> {
		for (let lan = 0; lan < this.lans; lan++) {
			const port = portName(host, lan);
			await this.#ip(`link add ${port} type veth peer name eth${lan} netns ${node.pid}`);
			await this.#ip(`link set ${port} master br${lan} up`);
			const mac = ["02", "05", "af", this.number, lan, host].map((part) => hex(part)).join(":");
			await ip(node, [
				`link set eth${lan} address ${mac} up`,
				`addr add ${this.address(host, lan)}/24 brd + dev eth${lan}`,
			]);
			// A machine may have no IPv6 at all.
			await ip(node, [`addr add ${this.address6(host, lan)}/64 nodad dev eth${lan}`]).catch(() => {});
		}
		await ip(node, ["link set lo up"]);
	}

	/** Nothing leaves or reaches the node any more, from one moment to the next; it still sees a carrier. */
	async silence(host: number, lans: number[]): Promise<void> {
		await this.#ip(...lans.map((lan) => `link set ${portName(host, lan)} nomaster`));
	}

	/** These nodes reach each other and nobody else any more; they still see a carrier. */
	async separate(hosts: readonly number[]): Promise<void> {
		for (let lan = 0; lan < this.lans; lan++) {
			// Made for the first time, or empty since the last time.
			await this.#ip(`link del apart${lan}`).catch(() => {});
			await this.#ip(`link add apart${lan} type bridge mcast_snooping 0`, `link set apart${lan} up`);
			await this.#ip(...hosts.map((host) => `link set ${portName(host, lan)} master apart${lan}`));
		}
	}

	/** Pulls the cable: the node sees no carrier. */
	async unplug(host: number, lan: number): Promise<void> {
		await this.#ip(`link set ${portName(host, lan)} down`);
	}

	async plug(host: number): Promise<void> {
		for (let lan = 0; lan < this.lans; lan++) await this.#ip(`link set ${portName(host, lan)} master br${lan} up`);
	}

	/** Takes the cables of a dead node away. */
	async disconnect(host: number): Promise<void> {
		for (let lan = 0; lan < this.lans; lan++) await this.#ip(`link del ${portName(host, lan)}`).catch(() => {});
	}

	/** Frames from one node to the other are dropped in every lan; the way back stays open. */
	async dropOneWay(from: number, to: number): Promise<void> {
		const rules = ["add table bridge lab", "add chain bridge lab cut { type filter hook forward priority 0; }"];
		for (let lan = 0; lan < this.lans; lan++) {
			const [input, output] = [portName(from, lan), portName(to, lan)];
			rules.push(`add rule bridge lab cut iifname ${input} oifname ${output} drop`);
		}
		await this.box.network("nft", ["-f", "-"], rules.join("\n"));
	}

	async dropNothing(): Promise<void> {
		await this.box.network("nft", ["-f", "-"], "add table bridge lab\ndelete table bridge lab");
	}

	async #makeLan(lan: number): Promise<void> {
		await this.#ip(`link add br${lan} type bridge mcast_snooping 0`, `link set br${lan} up`);
		if (lan > 0) await makeHostCable(this.box, `${hostName(this.number)}x${lan}`, `host${lan}`);
		await this.#ip(`link set host${lan} master br${lan} up`);
		const name = lan === 0 ? hostName(this.number) : `${hostName(this.number)}x${lan}`;
		await execa("ip", ["addr", "add", `${this.address(hostHostPart, lan)}/24`, "dev", name]);
		await execa("ip", ["link", "set", name, "up"]);
	}

	#ip(...lines: string[]): Promise<void> {
		return ip(this.box, lines);
	}
}

/** Lines of `ip`, in one process, in the network of the box. */
async function ip(box: Box, lines: string[]): Promise<void> {
	await box.network("ip", ["-batch", "-"], `${lines.join("\n")}\n`);
}

/** The cable's name on this machine claims the number: making it is atomic, so two labs never take the same one. */
async function connectHost(box: Box): Promise<number> {
	const { stdout } = await execa("ip", ["-4", "route", "show", "table", "all"]);
	for (let number = firstNumber; number <= lastNumber; number++) {
		if (stdout.includes(`10.99.${number}.`) || stdout.includes(`10.98.${number}.`)) continue;
		try {
			await makeHostCable(box, hostName(number), "host0");
			return number;
		} catch (error) {
			if (!String(error).includes("File exists")) throw error;
		}
	}
	throw new SafekitError("LAB_FAILED", `no free network from 10.99.${firstNumber}.0/24 to 10.99.${lastNumber}.0/24`);
}

/** `ip` says the names that exist already only by failing, and it must not leave a half-made cable. */
async function makeHostCable(box: Box, name: string, inside: string): Promise<void> {
	await execa("ip", ["link", "add", name, "type", "veth", "peer", "name", inside, "netns", String(box.pid)]);
}

function hostName(number: number): string {
	return `opensafe${number}`;
}

function portName(host: number, lan: number): string {
	return `p${host}l${lan}`;
}

function hex(part: string | number): string {
	return typeof part === "string" ? part : part.toString(16).padStart(2, "0");
}
