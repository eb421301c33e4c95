/** Frames in the real kernel: which of them leave, and which come further than the interface. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FarmView } from "../../../core/engine/farm/group.ts";
import { bucketOf } from "../../../core/vip/farm/hash.ts";
import { hexOf } from "../../../core/vip/filter/egress.ts";
import { boxTest } from "../../platform/two.ts";
import type { Asked } from "./agent.ts";
import { farm, four, ownerOf, patientMs, share, six } from "./farms.ts";
import { farmPort, fromAll, names, viewOf } from "./net.ts";

for (const type of ["vmac_invisible", "vmac_directed"] as const) {
	boxTest(`${type}: a first answer that had to wait is not sent when others have the client by then`, async (t) => {
		const made = await farm(t, type);
		const { a, clients: machine } = made.boxes;
		if (a === undefined || machine === undefined) return t.fail();
		const clients = [...fromAll(four).slice(0, 6), ...fromAll(six).slice(0, 6)];
		const answers = (): Promise<(string | null)[]> => made.clients.do("tcp", { clients, withinMs: patientMs });
		await share(
			made,
			viewOf(names, () => "a"),
		);
		t.deepEqual(
			await answers(),
			clients.map(() => "a"),
		);
		// Clients whose table of neighbours is static, too.
		for (const to of [four, six])
			await machine.network("ip", ["neigh", "change", to, "dev", "eth0", "nud", "permanent"]);
		await machine.network("nft", ["-f", "-"], firstAnswers(clients, made.macs.a ?? ""));
		await a.network("nft", ["-f", "-"], cannotAskFor(clients));
		for (const { from } of clients) await a.network("ip", ["neigh", "flush", "to", from]);
		const later = answers();
		const begun = async () => (await a.network("ss", ["-Hn", "state", "syn-recv"])).trim().split("\n").length;
		const end = performance.now() + patientMs;
		while ((await begun()) < clients.length && performance.now() < end) await sleep(10);
		t.is(await begun(), clients.length);
		const view = viewOf(names, (bucket) => (bucket % 2 === 0 ? "a" : "b"));
		await share(made, view);
		await a.network("nft", ["delete", "table", "netdev", "test"]);
		const expected = clients.map((client) => ownerOf(view, client));
		t.deepEqual([...new Set(expected)].sort(), ["a", "b"]);
		t.deepEqual(await later, expected);
		await sleep(1000);
		const counted = (await machine.network("nft", ["list", "table", "netdev", "test"])).match(/packets \d+/g);
		t.deepEqual(
			counted?.map((packets) => (packets === "packets 0" ? "b" : "a")),
			expected,
			"the others' first answers never left",
		);
	});

	boxTest(`${type}: the last server goes on, though its pulses do not get onto the cable`, async (t) => {
		const made = await farm(t, type);
		const { a, clients: machine } = made.boxes;
		if (a === undefined || machine === undefined) return t.fail();
		await share(
			made,
			viewOf(names, () => "a"),
		);
		const clients = [...fromAll(four).slice(0, 4), ...fromAll(six).slice(0, 4)];
		// To a node that is not there; to itself, as the only node of a farm does.
		for (const to of ["10.9.0.99", "10.9.0.1"]) {
			await made.agents.a?.do("pulses", { to, port: farmPort });
			// Longer than the lease.
			await sleep(1500);
			for (const addr of [four, six]) await machine.network("ip", ["neigh", "flush", "to", addr]);
			t.deepEqual(
				await made.clients.do("tcp", { clients, withinMs: patientMs }),
				clients.map(() => "a"),
			);
		}
	});

	boxTest(`${type}: clients that have left are not looked at any more, those that stay are`, async (t) => {
		const made = await farm(t, type);
		const { a } = made.boxes;
		if (a === undefined) return t.fail();
		for (const state of ["time_wait", "close"]) {
			await a.network("sysctl", ["-q", `net.netfilter.nf_conntrack_tcp_timeout_${state}=1`]);
		}
		const all = (owner: string): FarmView => viewOf(names, () => owner, []);
		await share(made, all("a"));
		const clients = [...fromAll(four), ...fromAll(six)];
		const stays = clients.filter((_, index) => index % 30 === 0);
		const kept: { id: number }[] = [];
		for (const client of stays) kept.push(await made.clients.do("keep", client));
		await made.clients.do("tcp", { clients, withinMs: patientMs });
		await share(made, all("b"));
		const expected = [...new Set(stays.map(({ from }) => bucketOf("on_addr", from, 0)))].sort(ascending);
		// Of the first other node, b.
		const set = type === "vmac_invisible" ? "may_0" : "among_0_0";
		const held = async (): Promise<number[]> =>
			numbersOf(await a.network("nft", ["-j", "list", "set", "netdev", "opensafe_1", set]));
		const end = performance.now() + patientMs + patientMs;
		while ((await held()).length > expected.length && performance.now() < end) await sleep(200);
		t.deepEqual(await held(), expected);
		const gone = clients.filter(({ from }) => !expected.includes(bucketOf("on_addr", from, 0)));
		await a.network("nft", ["-f", "-"], counting(gone));
		t.deepEqual(
			await made.clients.do("tcp", { clients: gone, withinMs: patientMs }),
			gone.map(() => "b"),
		);
		// With vmac_directed b, who is asked now, gives a copy to a, of which it knows no better.
		const further = await a.network("nft", ["list", "table", "inet", "test"]);
		t.is(further.includes("packets 0 "), type === "vmac_invisible", further);
		for (const { id } of kept) t.is(await made.clients.do("again", { id, withinMs: patientMs }), "a");
	});
}

/** Counts, for each client, the packets of one server with which connections begin. */
function firstAnswers(clients: readonly Asked[], mac: string): string {
	const rules = clients.map(({ from, to }) => {
		const ip = from.includes(":") ? "ip6" : "ip";
		return `ether saddr ${mac} ${ip} saddr ${to} ${ip} daddr ${from} tcp flags & (syn | ack) == (syn | ack) counter`;
	});
	return testTable(`ingress device "eth0"`, rules);
}

/** Nobody is asked for the MAC addresses of these clients any more. */
function cannotAskFor(clients: readonly Asked[]): string {
	const rules = clients.map(({ from }) =>
		from.includes(":")
			? `icmpv6 type nd-neighbor-solicit @th,64,128 ${hexOf(from)} drop`
			: `arp operation request arp daddr ip ${from} drop`,
	);
	return testTable(`egress device "eth0"`, rules);
}

/** Counts what comes further than the interface. */
function counting(clients: readonly Asked[]): string {
	const [sixes, fours] = [true, false].map((six) =>
		clients.map(({ from }) => from).filter((from) => from.includes(":") === six),
	);
	return `table inet test {
	set four { type ipv4_addr; elements = { ${fours?.join(", ")} }; }
	set six { type ipv6_addr; elements = { ${sixes?.join(", ")} }; }
	counter further { }
	chain first { type filter hook prerouting priority -300;
		ip saddr @four meta l4proto tcp counter name further
		ip6 saddr @six meta l4proto tcp counter name further
	}
}`;
}

function numbersOf(json: string): number[] {
	const { nftables } = JSON.parse(json) as { nftables: { set?: { elem?: number[] } }[] };
	return nftables.flatMap(({ set }) => set?.elem ?? []).sort(ascending);
}

const ascending = (one: number | null, two: number | null): number => Number(one) - Number(two);

function testTable(hook: string, rules: readonly string[]): string {
	const chain = ["chain frames {", `type filter hook ${hook} priority 9;`, ...rules, "}"];
	return `table netdev test {\n${chain.join("\n")}\n}`;
}
