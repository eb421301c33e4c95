/** Three nodes and their clients at one switch, each with a network of its own, and what runs there. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ExecutionContext } from "ava";
import type { FarmModule, FarmView } from "../../../core/engine/farm/group.ts";
import type { BalancingGroup, VipConfiguration, VirtualAddress } from "../../../core/module/configuration.ts";
import { Box } from "../../../sdk/lab/box.ts";
import { makeTestFolder } from "../../folder.ts";
import type { Asked } from "./agent.ts";

const run = promisify(execFile);
export const names = ["a", "b", "c"];
export const [port, farmPort] = [8080, 4803];
const clientCount = 60;

/** A process in a box that carries out what it is asked. */
export class Agent {
	readonly #child: ChildProcess;
	readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
	#count = 0;

	private constructor(child: ChildProcess) {
		this.#child = child;
		child.on("message", ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
			const waiting = this.#waiting.get(id);
			this.#waiting.delete(id);
			if (error === undefined) waiting?.resolve(value);
			else waiting?.reject(new Error(error));
		});
		child.on("exit", () => {
			for (const { reject } of this.#waiting.values()) reject(new Error("the agent has ended"));
		});
	}

	static async start(box: Box): Promise<Agent> {
		const inside = ["-t", String(box.pid), "-n", "setpriv", "--pdeathsig", "KILL", process.execPath];
		const child = spawn("nsenter", [...inside, join(import.meta.dirname, "agent.ts")], {
			stdio: ["ignore", "inherit", "inherit", "ipc"],
		});
		const agent = new Agent(child);
		await new Promise((resolve, reject) => agent.#waiting.set(0, { resolve, reject }));
		return agent;
	}

	do<T = unknown>(act: string, value: unknown = null): Promise<T> {
		const id = ++this.#count;
		const answer = new Promise<T>((resolve, reject) => {
			this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
		});
		this.#child.send({ id, act, value });
		return answer;
	}

	async kill(): Promise<void> {
		const gone = new Promise((resolve) => this.#child.once("exit", resolve));
		if (this.#child.exitCode !== null || this.#child.signalCode !== null || !this.#child.kill("SIGKILL")) return;
		await gone;
	}
}

export interface Net {
	boxes: Record<string, Box>;
	agents: Record<string, Agent>;
	/** Of all clients, in one box. */
	clients: Agent;
	/** The box of the switch. */
	wire: Box;
	/** Real MAC addresses by node. */
	macs: Record<string, string>;
	folder: string;
}

/** Nodes are 10.9.0.1… and fd09::1…, clients 10.9.0.100… and fd09::100…. */
export async function net(t: Pick<ExecutionContext, "teardown">): Promise<Net> {
	const all = ["wire", ...names, "clients"];
	const started = await Promise.all(
		all.map((name) => Box.start(name, "ip link set lo up; echo ready; read -r end", {})),
	);
	t.teardown(() => Promise.all(started.map((box) => box.kill())));
	const boxes = Object.fromEntries(started.map((box) => [box.name, box])) as Record<string, Box>;
	const wire = boxes.wire as Box;
	await wire.network("ip", ["link", "add", "br0", "type", "bridge", "mcast_snooping", "0"]);
	await wire.network("ip", ["link", "set", "br0", "up"]);
	const macs: Record<string, string> = {};
	for (const [index, name] of [...names, "clients"].entries()) {
		const box = boxes[name] as Box;
		const own = name === "clients" ? Array.from({ length: clientCount }, (_, n) => 100 + n) : [index + 1];
		macs[name] = await plug(wire, box, own);
	}
	const folder = makeTestFolder("farm-net");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const found = await Promise.all([...names, "clients"].map((name) => Agent.start(boxes[name] as Box)));
	t.teardown(() => Promise.all(found.map((agent) => agent.kill())));
	const agents = Object.fromEntries(names.map((name, index) => [name, found[index] as Agent]));
	return { boxes, agents, clients: found.at(-1) as Agent, wire, macs, folder };
}

/** Gives the box an interface at the switch, with an address of each family for each number; returns its MAC address. */
export async function plug(wire: Box, box: Box, own: readonly number[], mac: string | null = null): Promise<string> {
	const cable = ["netns", String(wire.pid), "type", "veth", "peer", "name", "eth0", "netns", String(box.pid)];
	await run("ip", ["link", "add", `p${box.name}`, ...cable, ...(mac === null ? [] : ["address", mac])]);
	await wire.network("ip", ["link", "set", `p${box.name}`, "master", "br0", "up"]);
	const four = (n: number) => `address add 10.9.0.${n}/24 dev eth0\n`;
	const six = (n: number) => `address add fd09::${n}/64 dev eth0 nodad\n`;
	const commands = ["link set eth0 up\n", ...own.flatMap((n) => [four(n), six(n)])].join("");
	await box.network("ip", ["-batch", "-"], commands);
	const [link] = JSON.parse(await box.network("ip", ["-j", "link", "show", "eth0"])) as { address: string }[];
	return link?.address ?? "";
}

export function farmOf(node: string, more: Partial<FarmModule> = {}): FarmModule {
	const nodes = names.map((name, index) => ({ name, addr: `10.9.0.${index + 1}` }));
	const localAddr = nodes.find(({ name }) => name === node)?.addr ?? "";
	return {
		module: "web",
		id: 1,
		port: farmPort,
		node,
		nodes: names,
		pulseMs: 100,
		leaderLost: 20,
		virtual: [],
		followerLost: 10,
		lans: [{ name: "default", localAddr, nodes }],
		groups: [{ name: "web", powers: {} }],
		key: "",
		...more,
	};
}

export function virtual(addr: string, type: "vmac_invisible" | "vmac_directed"): VirtualAddress {
	return {
		addr,
		where: "alias",
		shared: { type, mac: type === "vmac_directed" ? null : "5a:fe:0a:09:00:32" },
		interface: null,
		netmask: null,
		check: true,
		interfaceCheck: true,
		connections: false,
		arpreroute: false,
		arpIntervalMs: 60_000,
		arpElapseMs: 1_200_000,
	};
}

export function vipOf(addresses: VirtualAddress[], rules: BalancingGroup["rules"]): VipConfiguration {
	return { tcpreset: true, scriptControl: false, addresses, balancing: [{ name: "web", powers: {}, rules }] };
}

let version = 0;

/** Bucket b belongs to `of(b)`. */
export function viewOf(members: string[], of: (bucket: number) => string | null, serving = members): FarmView {
	const owners = Array.from({ length: 256 }, (_, bucket) => of(bucket));
	return { version: ++version, members, serving, groups: [{ name: "web", owners }], settled: true };
}

/** Equal parts. */
export function even(members: string[]): FarmView {
	return viewOf(members, (bucket) => members[bucket % members.length] ?? null);
}

/** One request of each client. */
export function fromAll(to: string, toPort: number = port): Asked[] {
	const from = (n: number) => (to.includes(":") ? `fd09::${n}` : `10.9.0.${n}`);
	return Array.from({ length: clientCount }, (_, n) => ({ from: from(100 + n), to, port: toPort }));
}
