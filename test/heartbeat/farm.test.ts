/** Farms of real heartbeat threads on loopback. What the protocol promises is shown in test/simulation/farm. */
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import test, { type ExecutionContext } from "ava";
import { type FarmModule, type FarmView, loadOf } from "../../core/engine/farm/group.ts";
import { Membership } from "../../core/engine/farm/membership.ts";
import { FarmBeat } from "../../core/heartbeat/farm.ts";
import type { FromHeart } from "../../core/heartbeat/service.ts";
import { HeartThread } from "./relay.ts";

const key = "6b".repeat(32);
const port = 20_000 + (process.pid % 20_000);
const system = { networkInterfaces, tentativeInterfaces: () => new Set<string>() };

/** The farm of a subnet on each of its lans, as each node is told of it. */
function farm(subnet: number, names: string[], more: Partial<FarmModule> = {}): FarmModule[] {
	const lans = ["one", "two"].map((name, lan) => ({
		name,
		nodes: names.map((node, n) => ({ name: node, addr: `127.${subnet}.${lan}.${n + 1}` })),
	}));
	return names.map((node, n) => ({
		module: "m",
		id: 1,
		port,
		node,
		nodes: names,
		pulseMs: 100,
		leaderLost: 10,
		virtual: [],
		followerLost: 10,
		lans: lans.map((lan) => ({ ...lan, localAddr: lan.nodes[n]?.addr ?? "" })),
		groups: [{ name: "web", powers: {} }],
		key,
		...more,
	}));
}

class Node {
	readonly heard: FromHeart[] = [];
	readonly #heart: HeartThread;
	#wake: () => void = () => undefined;

	/** `confirms`: its filter obeys at once. */
	constructor(
		t: ExecutionContext,
		module: FarmModule,
		open = ["web"],
		held = {},
		confirms = true,
		successors: FarmModule[] = [],
	) {
		this.#heart = new HeartThread(
			(message) => {
				this.heard.push(message);
				if (message.is === "farm" && confirms) this.applied(message.view.version);
				this.#wake();
			},
			(error) => t.fail(String((error as Error).stack)),
		);
		this.#heart.send({ do: "farm", module, wish: { open }, held, successors });
		t.teardown(() => this.close());
	}

	send: HeartThread["send"] = (order) => this.#heart.send(order);

	/** Newer cluster.xml files have come. */
	follow(module: FarmModule, successors: FarmModule[]): void {
		this.#heart.send({ do: "farm", module, wish: { open: ["web"] }, held: {}, successors });
	}

	applied(version: number): void {
		this.#heart.send({ do: "applied", module: "m", version });
	}

	async close(): Promise<void> {
		await this.#heart.close();
	}

	get view(): FarmView | null {
		const last = this.heard.findLast((message) => message.is === "farm");
		return last?.is === "farm" ? last.view : null;
	}

	load(name: string): number {
		const share = this.view?.groups[0];
		return share === undefined ? 0 : loadOf(share, name);
	}

	/** Waits for what is true of the last view, or of anything heard. */
	async until(fits: (node: Node) => boolean, withinMs = 60_000): Promise<void> {
		const end = performance.now() + withinMs;
		while (!fits(this)) {
			const leftMs = end - performance.now();
			if (leftMs <= 0) throw new Error(`not within ${withinMs} ms; the last view: ${JSON.stringify(this.view)}`);
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, leftMs);
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
	}

	settled(...members: string[]): Promise<void> {
		return this.until(({ view }) => view?.settled === true && view.members.join() === members.join());
	}
}

test.serial("three nodes share the buckets; who dies loses them, who returns gets them again", async (t) => {
	const modules = farm(31, ["a", "b", "c"]) as [FarmModule, FarmModule, FarmModule];
	const [a, b, c] = modules.map((module) => new Node(t, module)) as [Node, Node, Node];
	await Promise.all([a, b, c].map((node) => node.settled("a", "b", "c")));
	for (const node of [a, b, c]) {
		t.deepEqual(["a", "b", "c"].map((name) => node.load(name)).sort(), [85, 85, 86]);
		t.deepEqual(node.view?.groups, a.view?.groups, "all nodes see the same");
	}
	const before = a.view?.groups[0]?.owners ?? [];
	await c.close();
	await Promise.all([a, b].map((node) => node.settled("a", "b")));
	const moved = (a.view?.groups[0]?.owners ?? []).filter((owner, at) => owner !== before[at] && before[at] !== "c");
	t.deepEqual(moved, [], "only the dead node's buckets moved");
	// The leader too.
	await a.close();
	await b.settled("b");
	t.is(b.load("b"), 256);
	const again = new Node(t, modules[0]);
	await Promise.all([again, b].map((node) => node.settled("a", "b")));
	t.is(again.load("a"), 128);
	t.true((again.view?.version ?? 0) > (a.view?.version ?? 0), "versions grow over restarts");
});

test.serial("a bucket moves only when the filter of its owner has obeyed", async (t) => {
	const modules = farm(32, ["a", "b"], { followerLost: 100, leaderLost: 100 }) as [FarmModule, FarmModule];
	const a = new Node(t, modules[0], ["web"], {}, false);
	const b = new Node(t, modules[1], []);
	await a.until(({ view }) => view?.members.length === 2);
	a.applied(a.view?.version ?? 0);
	await a.until((node) => node.load("a") === 256);
	a.applied(a.view?.version ?? 0);
	await b.until((node) => node.load("a") === 256);
	b.send({ do: "wish", module: "m", wish: { open: ["web"] } });
	await a.until((node) => node.load("a") === 128);
	await new Promise((resolve) => setTimeout(resolve, 500));
	t.is(b.load("b"), 0, "the other filter has not said that it released them");
	a.applied(a.view?.version ?? 0);
	await b.until((node) => node.load("b") === 128);
});

test.serial("a thread that is started again goes on with what the filter has", async (t) => {
	const modules = farm(33, ["a", "b"], { followerLost: 200, leaderLost: 200 }) as [FarmModule, FarmModule];
	const nodes = modules.map((module) => new Node(t, module)) as [Node, Node];
	await Promise.all(nodes.map((node) => node.settled("a", "b")));
	const share = nodes[1].view?.groups[0]?.owners;
	const held = "0123456789abcdef".repeat(4);
	t.is(held.length, 64);
	const bits = Array.from({ length: 64 }, (_, digit) =>
		[0, 1, 2, 3].reduce((sum, n) => sum + (share?.[digit * 4 + n] === "b" ? 1 << n : 0), 0).toString(16),
	).join("");
	const heardBefore = nodes[0].heard.length;
	await nodes[1].close();
	// Nobody sets its filter yet: it says at once all the same that it has what it had.
	const again = new Node(t, modules[1], ["web"], { web: bits }, false);
	await again.until(({ view }) => view?.settled === true);
	t.deepEqual(again.view?.groups[0]?.owners, share);
	await nodes[0].settled("a", "b");
	for (const message of nodes[0].heard.slice(heardBefore)) {
		t.true(message.is === "farm" && loadOf(message.view.groups[0] ?? { name: "", owners: [] }, "a") === 128);
	}
});

test.serial("a node that stops with nothing says so: the next one leads at once", async (t) => {
	const modules = farm(34, ["a", "b", "c"], { followerLost: 1000, leaderLost: 1000 });
	const [a, b, c] = modules.map((module) => new Node(t, module)) as [Node, Node, Node];
	await Promise.all([a, b, c].map((node) => node.settled("a", "b", "c")));
	a.send({ do: "wish", module: "m", wish: { open: [] } });
	await a.until((node) => node.load("a") === 0 && node.view?.settled === true);
	a.send({ do: "stop", module: "m" });
	await Promise.all([b, c].map((node) => node.settled("b", "c")));
	t.is(b.load("b") + b.load("c"), 256);
});

test.serial("another key, another configuration and garbage are refused and reported", async (t) => {
	const modules = farm(35, ["a", "b", "c"]) as [FarmModule, FarmModule, FarmModule];
	const a = new Node(t, modules[0]);
	await a.settled("a");
	const stranger = new Node(t, { ...modules[1], key: "00".repeat(32) });
	const other = new Node(t, { ...modules[2], groups: [{ name: "web", powers: { a: 7 } }] });
	const refused = (why: RegExp) => (node: Node) =>
		node.heard.some((message) => message.is === "refused" && why.test(message.why));
	await a.until(refused(/key/));
	await a.until(refused(/^c has other nodes, groups or powers in its configuration/));
	await other.until(({ view }) => view?.settled === true);
	t.is(other.load("c"), 0, "one that cannot share waits while another serves");
	const socket = createSocket("udp4");
	t.teardown(() => socket.close());
	for (let size = 0; size < 1400; size += 50) socket.send(Buffer.alloc(size, size), port, "127.35.0.1");
	await stranger.close();
	await a.close();
	await other.until((node) => node.load("c") === 256);
	t.is(other.view?.settled, true);
});

test.serial("a server that a newer cluster.xml adds waits while others serve with the older one", async (t) => {
	const before = farm(40, ["a", "b"]) as [FarmModule, FarmModule];
	const after = farm(40, ["a", "b", "c"], { key: "6c".repeat(32) }) as [FarmModule, FarmModule, FarmModule];
	const [a, b] = before.map((module) => new Node(t, module)) as [Node, Node];
	await Promise.all([a, b].map((node) => node.settled("a", "b")));
	for (const [n, node] of [a, b].entries()) node.follow(before[n] as FarmModule, [after[n] as FarmModule]);
	const c = new Node(t, after[2]);
	await c.settled("c");
	await new Promise((resolve) => setTimeout(resolve, 3000));
	t.is(c.load("c"), 0);
	for (const node of [a, b]) t.is(node.load("a") + node.load("b"), 256);
	// One after the other is started again: the last one with the older file goes on until it stops.
	for (const [node, n] of [
		[a, 0],
		[b, 1],
	] as const) {
		t.is(c.load("c"), 0);
		node.send({ do: "wish", module: "m", wish: { open: [] } });
		await node.until(({ view, load }) => view?.settled === true && load.call(node, n === 0 ? "a" : "b") === 0);
		node.send({ do: "stop", module: "m" });
		await node.close();
		const next = new Node(t, after[n] as FarmModule);
		await next.settled(...(n === 0 ? ["a", "c"] : ["a", "b", "c"]));
	}
	await c.until((node) => ["a", "b", "c"].every((name) => node.load(name) >= 85));
});

test.serial("without a word of the newer cluster.xml both would serve (negative control)", async (t) => {
	const a = new Node(t, farm(41, ["a", "b"])[0] as FarmModule);
	await a.settled("a");
	const c = new Node(t, farm(41, ["a", "b", "c"], { key: "6c".repeat(32) })[2] as FarmModule);
	await c.until(() => c.load("c") === 256);
	t.is(a.load("a"), 256);
});

test.serial("one that goes on with the older cluster.xml serves from its first pulse on", async (t) => {
	const [before] = farm(43, ["a", "b"]) as [FarmModule, FarmModule];
	const after = farm(43, ["a", "b", "c"], { key: "6c".repeat(32) }) as [FarmModule, FarmModule, FarmModule];
	const a = new Node(t, before, ["web"], {}, true, [after[0]]);
	await a.settled("a");
	const c = new Node(t, after[2]);
	await c.settled("c");
	await a.close();
	const again = new Node(t, before, ["web"], { web: "f".repeat(64) }, true, [after[0]]);
	again.follow(before, [after[0]]);
	await again.settled("a");
	await new Promise((resolve) => setTimeout(resolve, 1000));
	t.deepEqual(
		c.heard.filter((message) => message.is === "farm" && message.view.groups[0]?.owners.includes("c")),
		[],
	);
});

test.serial("servers with the older and the newer key are one group", async (t) => {
	const before = farm(42, ["a", "b", "c"]) as [FarmModule, FarmModule, FarmModule];
	// The same addresses, written in another way.
	const lans = (all: FarmModule["lans"]): FarmModule["lans"] =>
		all.map((lan) => ({
			...lan,
			nodes: lan.nodes.map(({ name, addr }) => ({ name, addr: addr.replace(".42.", ".0x2a.") })),
		}));
	const after = before.map((module) => ({ ...module, lans: lans(module.lans), key: "6c".repeat(32) }));
	const nodes = before.map((module) => new Node(t, module)) as [Node, Node, Node];
	const [a, b] = nodes;
	await Promise.all(nodes.map((node) => node.settled("a", "b", "c")));
	for (const [n, node] of nodes.entries()) node.follow(before[n] as FarmModule, [after[n] as FarmModule]);
	await nodes[2].close();
	const c = new Node(t, after[2] as FarmModule);
	await Promise.all([a, b, c].map((node) => node.settled("a", "b", "c")));
	t.deepEqual(["a", "b", "c"].map((name) => c.load(name)).sort(), [85, 85, 86]);
	await a.until((node) => JSON.stringify(node.view?.groups) === JSON.stringify(c.view?.groups));
	// Another key comes before all have been started with the last one.
	const views = [a, b, c].map(({ heard }) => heard.length);
	for (const [n, node] of [a, b].entries()) {
		const key = "6d".repeat(32);
		node.follow(before[n] as FarmModule, [after[n] as FarmModule, { ...(after[n] as FarmModule), key }]);
	}
	await new Promise((resolve) => setTimeout(resolve, 2500));
	for (const [n, node] of [a, b, c].entries()) {
		const later = node.heard
			.slice(views[n])
			.flatMap((message) => (message.is === "farm" ? [message.view.members] : []));
		t.true(later.every((members) => members.join() === "a,b,c"));
	}
	t.deepEqual(c.view?.groups, a.view?.groups);
});

test.serial("the only node of a farm serves, and sends pulses to itself for its lease", async (t) => {
	const [module] = farm(36, ["a"]) as [FarmModule];
	const a = new Node(t, module);
	await a.settled("a");
	t.is(a.load("a"), 256);
	await new Promise((resolve) => setTimeout(resolve, 2000));
	t.is(a.heard.length, 1, "its pulses go out, so the group stays as it is");
});

test.serial("a group that contradicts itself is told, sends nothing more and is started anew", async (t) => {
	const [module] = farm(39, ["a"]) as [FarmModule];
	const heard: FromHeart[] = [];
	const { tick } = Membership.prototype;
	Membership.prototype.tick = () => {
		throw new Error("a contradiction");
	};
	t.teardown(() => {
		Membership.prototype.tick = tick;
	});
	let failed = (): void => undefined;
	const failure = new Promise<void>((resolve) => {
		failed = resolve;
	});
	const post = (message: FromHeart): void => {
		heard.push(message);
		if (message.is === "failed") failed();
	};
	const beat = new FarmBeat(module, { open: [] }, {}, post, system);
	t.teardown(() => beat.close());
	t.true(beat.isFor(module));
	await failure;
	await new Promise((resolve) => setTimeout(resolve, 300));
	t.false(beat.isFor(module), "an equal order begins a new one");
	t.deepEqual(heard, [{ is: "failed", module: "m", why: "Error: a contradiction" }], "once");
});

test("while its pulses leave, a node sends one to itself: it keeps the lease where the others are not found", async (t) => {
	const [module] = farm(77, ["a", "b"], { port: port + 9 });
	const counts = { own: 0, peer: 0 };
	for (const [name, addr] of [
		["own", "127.0.0.1"],
		["peer", "127.77.0.2"],
	] as const) {
		const socket = createSocket("udp4").on("message", () => counts[name]++);
		await new Promise<void>((resolve) => socket.bind(port + 9, addr, resolve));
		t.teardown(() => socket.close());
	}
	const beat = new FarmBeat(module as FarmModule, { open: ["web"] }, {}, () => undefined, system);
	t.teardown(() => beat.close());
	const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
	const end = performance.now() + 20_000;
	while (counts.own < 5 && performance.now() < end) await sleep(20);
	// The thread cannot run for a while: the first pulse after that counts too.
	for (let stall = 0; stall < 4; stall++) {
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
		await sleep(300);
	}
	beat.close();
	await sleep(100);
	t.true(counts.own > 5);
	t.true(Math.abs(counts.own - counts.peer) <= 1, JSON.stringify(counts));
	const before = counts.own;
	await sleep(400);
	t.is(counts.own, before);
});
