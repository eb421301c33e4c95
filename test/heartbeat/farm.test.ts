/** Farms of real heartbeat threads on loopback. What the protocol promises is shown in test/simulation/farm. */
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import test from "ava";
import { type FarmModule, loadOf } from "../../core/engine/farm/group.ts";
import { Membership } from "../../core/engine/farm/membership.ts";
import { wireOf } from "../../core/engine/farm/pulse.ts";
import { FarmBeat } from "../../core/heartbeat/farm.ts";
import { peersOf } from "../../core/heartbeat/farmPeers.ts";
import { pathMark } from "../../core/heartbeat/packet.ts";
import type { FromHeart } from "../../core/heartbeat/service.ts";
import { farm, Node, port } from "./nodes.ts";

const system = { networkInterfaces, tentativeInterfaces: () => new Set<string>() };

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

test.serial("the only node of a farm serves, and sends pulses to itself for its lease", async (t) => {
	const [module] = farm(36, ["a"]) as [FarmModule];
	const a = new Node(t, module);
	await a.settled("a");
	t.is(a.load("a"), 256);
	await new Promise((resolve) => setTimeout(resolve, 2000));
	t.is(a.heard.length, 1, "its pulses go out, so the group stays as it is");
});

test.serial("a node whose clock was never set serves, and those that know it believe it", async (t) => {
	const modules = farm(45, ["a", "b"]) as [FarmModule, FarmModule];
	const { now } = Date;
	Date.now = () => 0;
	const heard: FromHeart[] = [];
	const beat: FarmBeat = new FarmBeat(
		modules[0],
		{ open: ["web"] },
		{},
		(message) => {
			heard.push(message);
			if (message.is === "farm") beat.applied(message.view.version);
		},
		system,
	);
	Date.now = now;
	t.teardown(() => beat.close());
	const b = new Node(t, modules[1]);
	await b.settled("a", "b");
	t.is(b.load("a"), 128);
	t.true(heard.every(({ is }) => is === "farm"));
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

test("a node whose filter does not obey says nothing at all, also not to a stranger: its lease is to end", async (t) => {
	const [module, other] = farm(78, ["a", "b"], { port: port + 11 }) as [FarmModule, FarmModule];
	const lan = other.lans[0] as FarmModule["lans"][number];
	let left = 0;
	const counter = createSocket("udp4").on("message", () => left++);
	const stranger = createSocket("udp4");
	for (const [socket, addr] of [
		[counter, "127.0.0.1"],
		[stranger, lan.localAddr],
	] as const) {
		await new Promise<void>((resolve) => socket.bind(port + 11, addr, resolve));
		t.teardown(() => socket.close());
	}
	const beat = new FarmBeat(module, { open: [] }, { web: "f".repeat(64) }, () => undefined, system);
	t.teardown(() => beat.close());
	// Somebody attends to it: what it has is to be given away. Nobody confirms that it is.
	beat.wish({ open: [] });
	const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
	await sleep(500);
	t.true(left > 0);
	let before = -1;
	for (const end = performance.now() + 20_000; before !== left && performance.now() < end; await sleep(500))
		before = left;
	const identity = peersOf(other, new Map()).get("a")?.identity;
	const pulse = wireOf(new Membership(other, 1, { open: [] }, {}).say(), 1000, 0);
	for (let n = 0; n < 10; n++) {
		stranger.send(identity?.seal({ i: pathMark(lan.name), ...pulse }) ?? "", port + 11, "127.78.0.1");
		await sleep(50);
	}
	t.is(left, before);
});

test("before names are known, a node that says everything with two keys is no stranger; one with another key is", async (t) => {
	const [module, other] = farm(79, ["a", "b"], { port: port + 13 }) as [FarmModule, FarmModule];
	const mark = pathMark(other.lans[0]?.name ?? "");
	// An address that nobody has, as far as the node knows.
	const sender = createSocket("udp4");
	await new Promise<void>((resolve) => sender.bind(0, "127.79.0.9", resolve));
	t.teardown(() => sender.close());
	const reports: FromHeart[] = [];
	const post = (message: FromHeart): void => void (message.is === "refused" && reports.push(message));
	const beat = new FarmBeat(module, { open: [] }, {}, post, system);
	t.teardown(() => beat.close());
	const pulse = wireOf(new Membership(other, 1, { open: [] }, {}).say(), 1000, 0);
	const newer = peersOf({ ...other, key: "6c".repeat(32) }, new Map()).get("a")?.identity;
	const own = peersOf(other, new Map()).get("a")?.identity;
	const say = async (identities: (typeof own)[]): Promise<void> => {
		for (const identity of identities) {
			sender.send(identity?.seal({ i: mark, ...pulse }) ?? "", port + 13, "127.79.0.1");
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	};
	for (const end = performance.now() + 2500; performance.now() < end; ) await say([newer, own]);
	t.deepEqual(reports, []);
	for (const end = performance.now() + 20_000; reports.length === 0 && performance.now() < end; ) await say([newer]);
	t.like(reports[0], { is: "refused", ident: "one" });
});
