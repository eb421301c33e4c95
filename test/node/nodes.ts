/** Two servers of one cluster on loopback, with the real daemon, and commands without a process for each. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answered, callDaemon } from "../daemonSocket.ts";
import { clusterXml, Server } from "./server.ts";

export class Node {
	readonly server: Server;

	constructor(server: Server) {
		this.server = server;
	}

	/** A command as `safekit` gives it to the daemon. */
	call(...argv: string[]): Promise<Answered> {
		return callDaemon(join(this.server.safevar, "run/daemon.sock"), argv);
	}

	async ok(...argv: string[]): Promise<string> {
		const { code, out, err } = await this.call(...argv);
		if (code !== 0) throw new Error(`${this.server.name}: safekit ${argv.join(" ")}: ${code} ${err}${out}`);
		return out;
	}

	/** How many modules are in each state. */
	async states(): Promise<Map<string, number>> {
		const { modules } = JSON.parse(await this.ok("state", "--json")) as {
			modules: { state: string; status: string }[];
		};
		const counts = new Map<string, number>();
		for (const { state, status } of modules) {
			const name = `${state} ${status}`;
			counts.set(name, (counts.get(name) ?? 0) + 1);
		}
		return counts;
	}
}

/** `atEnd` ends and removes them. */
export async function makeNodes(atEnd: (undo: () => Promise<void>) => void): Promise<[Node, Node]> {
	const names = ["n1", "n2"] as const;
	const [first, second] = names.map(
		(name) => new Server({ teardown: (undo) => atEnd(async () => void (await undo())) }, name),
	);
	if (first === undefined || second === undefined) throw new Error("two servers");
	writeFileSync(join(first.folder, "cluster.xml"), clusterXml);
	for (const server of [first, second]) {
		server.setup("setup");
		await server.start();
	}
	first.ok("cluster", "config", join(first.folder, "cluster.xml"));
	first.ok("cluster", "package", join(first.folder, "cluster.zip"));
	second.ok("cluster", "config", join(first.folder, "cluster.zip"));
	const nodes: [Node, Node] = [new Node(first), new Node(second)];
	// Before the daemons go: whatever is mounted is unmounted, whatever runs is stopped.
	atEnd(async () => void (await Promise.all(nodes.map((node) => node.call("shutdown").catch(() => null)))));
	return nodes;
}
