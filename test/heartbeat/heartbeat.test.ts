import { createSocket } from "node:dgram";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import { Beat } from "../../core/heartbeat/beat.ts";
import type { FromHeart, HeartbeatModule } from "../../core/heartbeat/service.ts";
import { HeartThread, Inbox, isDown, isUp, type Lan, lan, says, startOrder } from "./relay.ts";

async function lanFor(t: ExecutionContext, subnet: number, timeoutMs: number, timeoutBMs?: number): Promise<Lan> {
	const made = await lan(subnet, timeoutMs, timeoutBMs);
	t.teardown(() => {
		made.aToB.close();
		made.bToA.close();
	});
	return made;
}

function thread(t: ExecutionContext): { heart: HeartThread; inbox: Inbox } {
	const inbox = new Inbox();
	const heart = new HeartThread(inbox.take, (error) => t.fail(String(error)));
	t.teardown(() => heart.close());
	return { heart, inbox };
}

function start(t: ExecutionContext, module: HeartbeatModule, announcement = says("WAIT"), resources = {}) {
	const made = thread(t);
	made.heart.send(startOrder(module, announcement, resources));
	return made;
}

test.serial("two nodes hear each other, what they say and their resources", async (t) => {
	const { a, b } = await lanFor(t, 11, 5000);
	const one = start(t, a, says("PRIM", { term: 3 }), { "tcp.app": "up" });
	const two = start(t, b, says("SECOND"), {});
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
	const heard = await two.inbox.until((m) => m.is === "peer" && m.resources["tcp.app"] === "up");
	t.like(heard, { is: "peer", module: "m", says: { main: "PRIM", status: "Ready", term: 3 } });
	one.heart.send({
		do: "announce",
		module: "m",
		announcement: says("PRIM"),
		resources: { "tcp.app": "down", x: "init" },
	});
	await two.inbox.until((m) => m.is === "peer" && m.resources["tcp.app"] === "down" && m.resources.x === "init");
	one.heart.send({ do: "announce", module: "m", announcement: says("PRIM"), resources: {} });
	await two.inbox.until((m) => m.is === "peer" && Object.keys(m.resources).length === 0);
	// Whoever begins to listen later starts the module again, and is told all of it.
	two.heart.send(startOrder(b, says("SECOND")));
	await two.inbox.until(isUp);
	await two.inbox.until((m) => m.is === "peer" && m.says.main === "PRIM");
});

test.serial("what is announced before a stop arrives, though pulses are rare", async (t) => {
	const { a, b, aToB } = await lanFor(t, 12, 60_000);
	const one = start(t, a, says("PRIM"));
	const two = start(t, b, says("SECOND"));
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
	// The first copies of the change are lost: it is repeated.
	aToB.passing = false;
	const begin = performance.now();
	one.heart.send({ do: "announce", module: "m", announcement: says("STOP", { seal: 7 }), resources: {} });
	one.heart.send({ do: "stop", module: "m" });
	await sleep(10);
	aToB.passing = true;
	await two.inbox.until((m) => m.is === "peer" && m.says.main === "STOP" && m.says.seal === 7);
	t.true(performance.now() - begin < 5000);
});

test.serial("a module that is stopped and started at once finds its port free", async (t) => {
	const { a, b } = await lanFor(t, 13, 5000);
	const one = start(t, a);
	const two = start(t, b);
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
	one.heart.send({ do: "announce", module: "m", announcement: says("STOP"), resources: {} });
	one.heart.send({ do: "stop", module: "m" });
	one.heart.send(startOrder(a, says("ALONE")));
	await one.inbox.until(isUp);
	await two.inbox.until((m) => m.is === "peer" && m.says.main === "ALONE");
	t.false(one.inbox.all.some((m) => m.is === "unusable"));
	t.is(two.inbox.losses, 0);
});

test.serial("a loss in one direction is a loss on both sides, and both recover", async (t) => {
	const { a, b, aToB } = await lanFor(t, 14, 1000);
	const one = start(t, a);
	const two = start(t, b);
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
	aToB.passing = false;
	const begin = performance.now();
	await Promise.all([one.inbox.until(isDown), two.inbox.until(isDown)]);
	t.true(performance.now() - begin >= 850);
	aToB.passing = true;
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
});

test.serial("each lan has a heartbeat of its own, and one is enough to hear what the peer says", async (t) => {
	const [first, second] = [await lanFor(t, 22, 3000), await lanFor(t, 23, 3000)];
	const both = (side: "a" | "b"): HeartbeatModule => ({
		...first[side],
		paths: [...first[side].paths, ...second[side].paths.map((path) => ({ ...path, ident: "flow" }))],
	});
	const on = (ident: string, up: boolean) => (m: FromHeart) => m.is === "heartbeat" && m.ident === ident && m.up === up;
	const one = start(t, both("a"));
	const two = start(t, both("b"));
	for (const ident of ["default", "flow"]) {
		await two.inbox.until((m) => on(ident, true)(m), 20_000, true);
		await one.inbox.until((m) => on(ident, true)(m), 20_000, true);
	}
	first.aToB.passing = false;
	await Promise.all([one.inbox.until(on("default", false)), two.inbox.until(on("default", false))]);
	one.heart.send({ do: "announce", module: "m", announcement: says("PRIM"), resources: { "ip.x": "up" } });
	await two.inbox.until((m) => m.is === "peer" && m.says.main === "PRIM" && m.resources["ip.x"] === "up");
	t.is(one.inbox.losses + two.inbox.losses, 2);
});

test.serial("a thread that starts anew within the timeout is no loss for the peer", async (t) => {
	// A thread of its own takes its time where the machine is busy: the timeout leaves room for that.
	const { a, b } = await lanFor(t, 15, 5000);
	const two = start(t, b);
	let first = start(t, a, says("PRIM"));
	await Promise.all([first.inbox.until(isUp), two.inbox.until(isUp)]);
	for (let round = 0; round < 3; round++) {
		await first.heart.close();
		await sleep(400);
		first = start(t, a, says("PRIM", { round }));
		await first.inbox.until(isUp);
		await two.inbox.until((m) => m.is === "peer" && m.says.round === round);
		t.is(first.inbox.losses, 0);
	}
	t.is(two.inbox.losses, 0);
	// The control: a peer that stays away is noticed.
	await first.heart.close();
	await two.inbox.until(isDown);
});

test.serial("pulses that were recorded do not bring a dead node back", async (t) => {
	const { a, b, aToB } = await lanFor(t, 16, 1000);
	const two = start(t, b);
	const one = start(t, a, says("PRIM"));
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
	await sleep(500);
	const old = [...aToB.recorded];
	await one.heart.close();
	const next = start(t, a, says("SECOND"));
	await next.inbox.until(isUp);
	await two.inbox.until((m) => m.is === "peer" && m.says.main === "SECOND");
	await sleep(300);
	const all = [...aToB.recorded];
	await next.heart.close();
	await two.inbox.until(isDown);
	const before = two.inbox.all.length;
	for (let round = 0; round < 5; round++) {
		for (const bytes of [...old, ...all]) aToB.play(bytes);
		await sleep(200);
	}
	t.deepEqual(
		two.inbox.all.slice(before).filter((m) => m.is !== "refused"),
		[],
	);
	// The control: these relays do deliver, so a living node is believed.
	const alive = start(t, a, says("ALONE"));
	await alive.inbox.until(isUp);
	await two.inbox.until(isUp);
});

test.serial("pulses under another key and garbage are refused, and reported once", async (t) => {
	const { a, b, aToB } = await lanFor(t, 17, 500);
	const two = start(t, b);
	start(t, { ...a, key: "00".repeat(32) });
	const first = await two.inbox.until((m) => m.is === "refused");
	t.regex(first.is === "refused" ? first.why : "", /key/);
	for (let count = 0; count < 100; count++) aToB.play(Buffer.alloc(count * 20, count));
	await two.inbox.until(isDown);
	await sleep(300);
	t.true(two.inbox.all.filter((m) => m.is === "refused").length <= 2);
	t.false(two.inbox.all.some(isUp) || two.inbox.all.some((m) => m.is === "peer"));
});

test.serial("a thread that could not run for longer than the timeout does not take that for silence", async (t) => {
	const { a, b } = await lanFor(t, 18, 1000, 30_000);
	const inbox = new Inbox();
	const two = start(t, b);
	const beat = new Beat(a, says("PRIM"), {}, inbox.take);
	t.teardown(() => beat.close());
	await Promise.all([inbox.until(isUp), two.inbox.until(isUp)]);
	for (let round = 0; round < 3; round++) {
		// Nothing in this thread runs, its relays included: what b sent meanwhile arrives later, or never.
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
		await sleep(700);
	}
	t.is(inbox.losses, 0);
	await two.heart.close();
	await inbox.until(isDown);
});

test.serial("an address that is not there yet is waited for, a port in use is reported", async (t) => {
	const { a, b } = await lanFor(t, 19, 1000);
	const gone = { ...a, paths: a.paths.map((path) => ({ ...path, localAddr: "192.0.2.7" })) };
	const one = start(t, gone);
	const why = await one.inbox.until((m) => m.is === "unusable");
	t.regex(why.is === "unusable" ? why.why : "", /192\.0\.2\.7 port \d+: this machine does not have the address now/);
	const other = createSocket("udp4");
	other.bind(b.port, b.paths[0]?.localAddr);
	await once(other, "listening");
	const two = start(t, b);
	await two.inbox.until((m) => m.is === "unusable" && /another program uses the port/.test(m.why));
	other.close();
	one.heart.send(startOrder(a));
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
});

test.serial("an announcement that is too long is reported, and its states travel", async (t) => {
	const { a, b } = await lanFor(t, 20, 5000);
	const one = start(t, a, says("PRIM", { long: "x".repeat(2000) }));
	const two = start(t, b);
	await one.inbox.until((m) => m.is === "unusable" && /at most 1000 travel/.test(m.why));
	const heard = await two.inbox.until((m) => m.is === "peer");
	t.deepEqual(heard.is === "peer" ? heard.says : null, { main: "PRIM", status: "Ready" });
});

test.serial("busy loops on every core are no loss, and a death under the same load is noticed", async (t) => {
	const { a, b } = await lanFor(t, 21, 2000);
	const busy = availableParallelism();
	const loops = Array.from({ length: busy }, () => new Worker("for (;;);", { eval: true }));
	t.teardown(() => Promise.all(loops.map((loop) => loop.terminate())));
	// The relays run in this thread, which competes with the loops: without them the nodes are by themselves.
	const direct = (module: HeartbeatModule, peer: HeartbeatModule): HeartbeatModule => ({
		...module,
		paths: module.paths.map((path) => ({ ...path, peerAddr: peer.paths[0]?.localAddr ?? "" })),
	});
	const one = start(t, direct(a, b));
	const two = start(t, direct(b, a));
	await Promise.all([one.inbox.until(isUp), two.inbox.until(isUp)]);
	await sleep(8000);
	t.is(one.inbox.losses + two.inbox.losses, 0);
	await one.heart.close();
	const begin = performance.now();
	await two.inbox.until(isDown);
	t.true(performance.now() - begin < 10_000);
});
