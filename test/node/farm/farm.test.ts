/** A farm of two servers: real daemons, real kernels' filters, real clients. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import type { Box } from "../../../sdk/lab/box.ts";
import { Node } from "../nodes.ts";
import type { Server } from "../server.ts";
import { clients, farmSite, farmTest, key, type Site, virtualAddr } from "./site.ts";

interface State {
	state: string;
	status: string;
	why: string;
	share: { members: string[]; settled: boolean; groups: { name: string; load: number; percent: number }[] };
}

async function stateOf(server: Server): Promise<State> {
	return JSON.parse(await new Node(server).ok("state", "-m", "web", "--json")).modules[0];
}

/** Waits for a state of the module. */
async function becomes(server: Server, what: (state: State) => boolean): Promise<State> {
	for (const end = Date.now() + 60_000; ; await sleep(50)) {
		const state = await stateOf(server);
		if (what(state)) return state;
		if (Date.now() > end) throw new Error(`${server.name}: ${what} not within 60 s: ${JSON.stringify(state)}`);
	}
}

const has = (server: Server, load: number): Promise<State> =>
	becomes(server, ({ state, status, share: { settled, groups } }) => {
		return `${state} ${status}` === "UP Ready" && settled && groups[0]?.load === load;
	});
const stopped = (server: Server): Promise<State> => becomes(server, ({ state }) => state === "STOP");

/** Of the pulses of its farm. */
function keysOf({ safevar }: Server): string[] {
	const { started } = JSON.parse(readFileSync(join(safevar, "run/heart.json"), "utf8"));
	return started.map(({ module }: { module: { key: string } }) => module.key);
}

/** What a farm leaves in the kernel of a server. */
async function left(box: Box): Promise<string> {
	const tables = await box.network("nft", ["list", "tables"]);
	const links = await box.network("ip", ["-br", "link"]);
	const addresses = await box.network("ip", ["-br", "addr"]);
	const virtual = addresses.split("\n").filter((line) => line.includes(virtualAddr));
	return [tables.trim(), ...links.split("\n").filter((line) => line.includes("5a:fe:")), ...virtual]
		.filter(Boolean)
		.join("; ");
}

/** Each client is answered, by the server that `farm explain` names. */
async function allAnswered(t: ExecutionContext, { servers, answers }: Site): Promise<Set<string>> {
	const answered = await answers();
	for (const client of clients) {
		const told = JSON.parse(await new Node(servers[0]).ok("farm", "explain", client, "80", "-m", "web", "--json"));
		t.is(answered[client], told.answers[0].owner, `${client}, bucket ${told.answers[0].bucket}`);
	}
	t.deepEqual(
		Object.values(answered).filter((one) => one === null),
		[],
	);
	return new Set(Object.values(answered) as string[]);
}

farmTest("two servers share the clients of an address; one that stops or dies leaves them to the other", async (t) => {
	t.timeout(180_000);
	const site = await farmSite(t, "vmac_invisible");
	const [first, second] = site.servers;
	for (const server of site.servers) server.ok("start", "-m", "web");
	const both = await has(first, 128);
	await has(second, 128);
	t.deepEqual(both.share.members, ["n1", "n2"]);
	t.regex(both.why, /answers 50% of the clients$/);
	t.regex(first.ok("state", "-m", "web"), /Local +: UP \(Ready\) 50%\n +Farm +: n1, n2\n/);
	t.is(first.ok("get", "-m", "web", "-r", "Web_0"), "50%\n");
	t.deepEqual([...(await allAnswered(t, site))].sort(), ["n1", "n2"]);

	second.ok("stop", "-m", "web");
	await has(first, 256);
	t.is((await stateOf(second)).share.groups[0]?.percent, 0);
	t.deepEqual([...(await allAnswered(t, site))], ["n1"]);
	await stopped(second);
	await becomes(first, ({ why }) => /answers 100% of the clients; n2 takes no part$/.test(why));
	t.is(await left(site.boxes[1]), "", "nothing of a stopped module is left");
	for (const line of ["farm membership: n1 (group Web_0)", "farm load: 256/256 (group Web_0)"]) {
		t.true(first.log("web").includes(line), line);
	}
	t.regex(second.ok("farm", "explain", clients[0] as string, "80", "-m", "web"), /takes no part in the group now/);

	second.ok("start", "-m", "web");
	await has(second, 128);
	// A daemon that dies and comes again: the clients notice nothing, its application runs on.
	const told = (server: Server): string[] =>
		server
			.log("web")
			.split("\n")
			.filter((line) => line.includes(" farm "));
	const before = told(second);
	await first.kill("SIGKILL");
	const during = site.answers();
	await first.start();
	t.deepEqual([...new Set(Object.values(await during))].sort(), ["n1", "n2"]);
	await has(first, 128);
	t.deepEqual(told(second), before);
	t.deepEqual(first.said(), ["start_both WAIT UP start"]);

	// Another cluster key: servers that run with the older one, and those that have started since, are one group.
	key(site.servers);
	await second.kill("SIGKILL");
	await second.start();
	await has(second, 128);
	t.deepEqual([...(await allAnswered(t, site))].sort(), ["n1", "n2"]);
	t.deepEqual(keysOf(second), keysOf(first), "a farm runs on as it was started");
	for (const server of [second, first]) {
		const older = keysOf(server);
		server.ok("stop", "-m", "web");
		await stopped(server);
		server.ok("start", "-m", "web");
		await has(server, 128);
		t.notDeepEqual(keysOf(server), older);
		await has(server === first ? second : first, 128);
		t.deepEqual([...(await allAnswered(t, site))].sort(), ["n1", "n2"]);
	}
	// A server gets another name: that too is for its next start.
	key(site.servers, ["n1", "other"]);
	await second.kill("SIGKILL");
	await second.start();
	await has(second, 128);
	t.deepEqual([...(await allAnswered(t, site))].sort(), ["n1", "n2"]);
	for (const server of site.servers) server.ok("stop", "-m", "web");
	for (const server of site.servers) await stopped(server);
	for (const box of site.boxes) t.is(await left(box), "");
	first.ok("module", "uninstall", "-m", "web");
	t.false(existsSync(join(first.safevar, "modules/web/state.json")));
});
