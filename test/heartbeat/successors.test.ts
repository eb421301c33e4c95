/** A newer cluster.xml, or a new key, while farms run with the older one. */
import test from "ava";
import type { FarmModule } from "../../core/engine/farm/group.ts";
import { farm, Node } from "./nodes.ts";

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

test.serial(
	"one that is started again with the older cluster.xml, and does nothing yet, ends no other's service",
	async (t) => {
		const [before] = farm(44, ["a", "b"]) as [FarmModule, FarmModule];
		const after = farm(44, ["a", "b", "c"], { key: "6c".repeat(32) }) as [FarmModule, FarmModule, FarmModule];
		const c = new Node(t, after[2]);
		await c.until((node) => node.load("c") === 256);
		const from = c.heard.length;
		// Its daemon is not there yet: by now its kernel accepts nothing.
		const a = new Node(t, before, ["web"], { web: "f".repeat(64) }, false, [after[0]]);
		await a.until(({ heard }) => heard.length > 0);
		await new Promise((resolve) => setTimeout(resolve, 2500));
		const views = c.heard.slice(from).filter(({ is }) => is === "farm");
		t.deepEqual(views, [], "nothing changes for whoever serves");
		a.follow(before, [after[0]]);
		await c.until((node) => node.load("c") === 0);
	},
);

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
	for (const { heard } of [a, b, c]) {
		const reports = heard.filter(({ is }) => is === "refused");
		t.deepEqual(reports, [], "who says everything with both keys is understood");
	}
});
