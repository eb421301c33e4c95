/** Two replication processes on this machine, each with its own directory, linked over loopback, given orders by hand. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MeetingOutcome, NodeRecords, ReplicationFact, ReplicationOrder } from "../../core/engine/replication.ts";
import { linuxSystem } from "../../core/platform/linux/libc.ts";
import { ReplicationClient } from "../../core/replication/client.ts";
import type { ProcessConfiguration } from "../../core/replication/control/context.ts";
import { umountFlag } from "../../core/replication/errno.ts";
import { endHolders } from "../../core/replication/holder/holder.ts";
import { makeTestFolder } from "../folder.ts";
import { TestProxy } from "./proxy.ts";
import { type CompareOptions, compareTrees } from "./treeCompare.ts";

export type FactOf<K extends ReplicationFact["fact"]> = Extract<ReplicationFact, { fact: K }>;

/** One of the two servers. */
export class TestNode {
	readonly config: ProcessConfiguration;
	readonly dir: string;
	readonly logs: string[] = [];
	facts: ReplicationFact[] = [];
	records: NodeRecords | null = null;
	client: ReplicationClient;
	readonly #errors: string;
	#waiters: (() => void)[] = [];

	constructor(config: ProcessConfiguration, errors: string) {
		this.config = config;
		this.dir = config.directories[0]!.dir;
		this.#errors = errors;
		this.client = this.newClient();
	}

	/** As a daemon that starts anew. */
	newClient(): ReplicationClient {
		return new ReplicationClient(this.config, {
			fact: (fact) => {
				this.facts.push(fact);
				if (fact.fact === "records" || fact.fact === "opened") this.records = fact.records;
				for (const wake of this.#waiters.splice(0)) wake();
			},
			progress: () => {},
			log: (level, origin, text) => this.logs.push(`${level} ${origin} ${text}`),
		});
	}

	/** Starts the process and opens the directories. */
	async open(): Promise<NodeRecords> {
		await this.client.start(this.#errors);
		return (await this.ask({ order: "open" }, "opened")).records;
	}

	/** Starts the process that takes over the mounts of one that was killed. */
	async adopt(): Promise<NodeRecords> {
		await this.client.start(this.#errors, true);
		return (await this.ask({ order: "open", adopt: true }, "opened")).records;
	}

	/** Gives an order and waits for its fact. A `failed` of the order throws. */
	async ask<K extends ReplicationFact["fact"]>(order: ReplicationOrder, until: K): Promise<FactOf<K>> {
		const from = this.facts.length;
		this.client.order(order);
		return this.until(until, from);
	}

	/** The next fact of this kind after position `from`. */
	async until<K extends ReplicationFact["fact"]>(kind: K, from = 0, ms = 60_000): Promise<FactOf<K>> {
		const deadline = Date.now() + ms;
		for (;;) {
			const found = this.facts
				.slice(from)
				.find((fact) => fact.fact === kind || (fact.fact === "failed" && kind !== "link"));
			if (found?.fact === kind) return found as FactOf<K>;
			if (found !== undefined) throw new Error(`${this.config.node}: ${JSON.stringify(found)}`);
			const left = deadline - Date.now();
			if (left <= 0) throw new Error(`${this.config.node}: no ${kind}\n${this.story()}`);
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, left);
				this.#waiters.push(() => {
					clearTimeout(timer);
					resolve();
				});
			});
		}
	}

	/** What happened, for a failing test. */
	story(): string {
		const facts = this.facts.map((fact) => JSON.stringify(fact)).join("\n");
		return `${facts}\n${this.logs.join("\n")}\n${readFileSync(this.#errors, "utf8")}`;
	}

	/** kill −9 of the process and its holder; the dead mount is left behind as after a real crash. */
	async kill(): Promise<void> {
		await this.killProcess();
		await endHolders(this.config.socket);
	}

	/** kill −9 of the process only: its mount waits for the next one (`adopt`). */
	async killProcess(): Promise<void> {
		const { pid } = this.client;
		if (pid === null) return;
		const from = this.facts.length;
		process.kill(pid, "SIGKILL");
		await this.until("died", from).catch(() => {});
	}

	/** Ends the process, however it is, and takes its mount away. */
	async clear(): Promise<void> {
		const { pid } = this.client;
		this.client.release();
		if (pid !== null) {
			try {
				process.kill(pid, "SIGKILL");
			} catch {
				// It has ended already.
			}
			await sleep(50);
		}
		await endHolders(this.config.socket);
		for (const { dir } of this.config.directories) {
			for (let n = 0; n < 5 && linuxSystem.umount(dir, umountFlag.DETACH) === 0; n++);
		}
	}
}

/** Test files run at the same time: each process has blocks of ports that are its own for as long as it lives. */
const [blocks, blockPorts] = [300, 40];
let [nextPort, endPort] = [0, 0];

async function twoPorts(): Promise<[number, number]> {
	if (nextPort === endPort) {
		nextPort = await takeBlock();
		endPort = nextPort + blockPorts;
	}
	nextPort += 2;
	return [nextPort - 2, nextPort - 1];
}

async function takeBlock(): Promise<number> {
	for (let n = 0; n < blocks; n++) {
		const block = (process.pid + n) % blocks;
		if (await isOurs(block)) return 20_000 + block * blockPorts;
	}
	throw new Error("all ports of the tests are in use");
}

/** By an abstract socket, which ends with this process, however that ends. */
function isOurs(block: number): Promise<boolean> {
	const holder = createServer().unref();
	return new Promise((resolve) => {
		holder.once("error", () => resolve(false));
		holder.listen(`\0opensafe-test-ports-${block}`, () => resolve(true));
	});
}

/** What a secondary has received is applied a moment later: waits until it shows this, at most 20 s. */
export async function shows(path: string, content: string): Promise<boolean> {
	for (let n = 0; n < 1000; n++) {
		if (existsSync(path) && readFileSync(path, "utf8") === content) return true;
		await sleep(20);
	}
	return false;
}

/** Of a node that keeps all its things in `root`/`name` and listens on loopback; whom it connects to is open. */
export function testConfiguration(
	root: string,
	name: string,
	peer: string,
	nodeIndex: 0 | 1,
	port: number,
): ProcessConfiguration {
	return {
		module: "m",
		node: name,
		peer,
		nodeIndex,
		socket: join(root, name, "rfs.sock"),
		directories: [{ dir: join(root, name, "data"), notReplicatedPaths: [], notReplicatedRegexes: [] }],
		async: "second",
		acl: false,
		listen: { address: "127.0.0.1", port },
		connect: { address: "127.0.0.1", port: 0 },
		key: "ab".repeat(32),
		sealed: true,
		connections: 1,
		lockTimeoutMs: 20_000,
		sendTimeoutMs: 10_000,
		ioTimeoutMs: 60_000,
		linkTimeoutMs: 5000,
		resyncBandwidth: null,
		resyncLanes: 6,
		resyncTimeoutMs: 150_000,
		resyncDetail: false,
	};
}

/** Two nodes a and b, with a proxy in each direction. */
export class Pair {
	readonly root: string;
	readonly a: TestNode;
	readonly b: TestNode;
	/** Between a as the source and b. */
	readonly proxy: TestProxy;
	/** Between b as the source and a. */
	readonly back: TestProxy;
	term = 0;

	private constructor(over: Partial<ProcessConfiguration>, ports: [number, number]) {
		this.root = makeTestFolder("pair");
		this.proxy = new TestProxy(ports[1]);
		this.back = new TestProxy(ports[0]);
		const node = (name: string, peer: string, index: 0 | 1): TestNode => {
			const config = { ...testConfiguration(this.root, name, peer, index, ports[index]), ...over };
			mkdirSync(config.directories[0]!.dir, { recursive: true });
			writeFileSync(join(this.root, name, "err"), "");
			return new TestNode(config, join(this.root, name, "err"));
		};
		this.a = node("a", "b", 0);
		this.b = node("b", "a", 1);
	}

	static async make(
		t: { teardown(fn: () => Promise<void>): void },
		over: Partial<ProcessConfiguration> = {},
	): Promise<Pair> {
		const pair = new Pair(over, await twoPorts());
		await Promise.all([pair.proxy.listen(), pair.back.listen()]);
		pair.a.config.connect = { address: "127.0.0.1", port: pair.proxy.port };
		pair.b.config.connect = { address: "127.0.0.1", port: pair.back.port };
		t.teardown(async () => {
			await Promise.all([pair.a.clear(), pair.b.clear()]);
			await Promise.all([pair.proxy.close(), pair.back.close()]);
			rmSync(pair.root, { recursive: true, force: true });
		});
		return pair;
	}

	/** Orders a session and waits until the source serves. `synced` comes later. */
	async session(source: TestNode, target: TestNode, outcome: MeetingOutcome, quarantine = false): Promise<void> {
		this.term += 10;
		const everything = outcome === "NEW" || outcome === "FAR_BEHIND";
		const order = { order: "session", term: this.term, outcome, everything, quarantine } as const;
		target.client.order({ ...order, source: false });
		await source.ask({ ...order, source: true }, "accepted");
	}

	/** A fresh pair, a serving, b up to date. */
	async up(outcome: MeetingOutcome = "NEW"): Promise<void> {
		await Promise.all([this.a.open(), this.b.open()]);
		await this.join(this.a, this.b, outcome);
	}

	/** A session from the meeting to `synced` on both sides. */
	async join(source: TestNode, target: TestNode, outcome: MeetingOutcome, quarantine = false): Promise<void> {
		const from = [source.facts.length, target.facts.length] as const;
		await this.session(source, target, outcome, quarantine);
		await source.ask({ order: "serve", term: this.term, alone: false }, "serving");
		await source.until("synced", from[0]);
		await target.until("synced", from[1]);
	}

	/** Differences of what lies underneath both mounts, which must be gone. */
	differences(options: CompareOptions = {}): string[] {
		return compareTrees(this.a.dir, this.b.dir, options);
	}
}
