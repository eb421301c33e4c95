import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import type { VirtualAddress } from "../../core/module/configuration.ts";
import type { AddressSystem, LocalInterface } from "../../core/vip/addresses.ts";
import { awaitFree } from "../../core/vip/duplicates.ts";
import { Holding } from "../../core/vip/holding.ts";
import { placeOf, prefixOfMask } from "../../core/vip/network.ts";
import { planAddresses } from "../../core/vip/place.ts";
import { makeTestFolder } from "../folder.ts";
import type { VipAnswer } from "../platform/inside.ts";
import { addressesOf, ask, boxTest, neighbour, two } from "../platform/two.ts";

const own = ["10.9.0.1/24", "fd09::1/64"];

function virtual(addr: string, more: Partial<VirtualAddress> = {}): VirtualAddress {
	return {
		addr,
		where: "one_side_alias",
		shared: null,
		interface: null,
		netmask: null,
		check: true,
		interfaceCheck: true,
		connections: false,
		arpreroute: false,
		arpIntervalMs: 60_000,
		arpElapseMs: 1_200_000,
		...more,
	};
}

function request(t: ExecutionContext, addresses: VirtualAddress[], more: Record<string, unknown> = {}) {
	const folder = makeTestFolder("vip");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	return {
		do: "vip",
		vip: { tcpreset: true, scriptControl: false, addresses, balancing: [] },
		record: join(folder, "run/vip-m.json"),
		...more,
	};
}

boxTest("addresses are set on the right interface with the right mask, announced, and removed", async (t) => {
	const { a, b, macs } = await two(t);
	const asked = request(t, [
		virtual("10.9.0.100"),
		virtual("fd09::100"),
		virtual("10.9.0.101", { netmask: "255.255.255.255" }),
	]);
	for (const addr of ["10.9.0.100", "fd09::100"]) {
		await b.network("ip", ["neigh", "replace", addr, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "stale"]);
	}
	const set = await ask<VipAnswer>(a, { ...asked, steps: ["set", "set"] });
	t.true(set.ok, set.message);
	t.deepEqual(set.log.slice(0, 3), [
		"I Virtual IP <10.9.0.100 of m> set",
		"I Virtual IP <fd09::100 of m> set",
		"I Virtual IP <10.9.0.101 of m> set",
	]);
	t.deepEqual(await addressesOf(a), [...own, "10.9.0.100/24", "10.9.0.101/32", "fd09::100/64"].sort());
	t.is(await neighbour(b, "10.9.0.100"), macs[0]);
	t.is(await neighbour(b, "fd09::100"), macs[0]);
	t.true(await ask(b, { do: "ping", addr: "10.9.0.100", timeoutMs: 3000 }));
	t.true(await ask(b, { do: "ping", addr: "fd09::100", timeoutMs: 3000 }));
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["unset", "unset"] })).ok);
	t.deepEqual(await addressesOf(a), own);
	t.false(existsSync(asked.record));
});

boxTest("what a crash left is removed by the next start, by its record or by its label", async (t) => {
	const { a } = await two(t);
	const asked = request(t, [virtual("10.9.0.100"), virtual("fd09::100")]);
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["set"] })).ok);
	// The configuration has changed since.
	const later = { ...asked, vip: { tcpreset: true, addresses: [virtual("10.9.0.102")] } };
	t.true((await ask<VipAnswer>(a, { ...later, steps: ["set"] })).ok);
	t.deepEqual(await addressesOf(a), [...own, "10.9.0.102/24"].sort());
	writeFileSync(asked.record, "{ half a rec");
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["unset"] })).ok);
	t.deepEqual(await addressesOf(a), own);
});

boxTest("the record is there before the address is", async (t) => {
	const { a } = await two(t);
	const asked = request(t, [virtual("10.9.0.100")]);
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["set"] })).ok);
	t.deepEqual(JSON.parse(readFileSync(asked.record, "utf8")), {
		addresses: [{ iface: "eth0", addr: "10.9.0.100", prefix: 24 }],
	});
	// As if the power had gone between the record and the address.
	await a.network("ip", ["addr", "del", "10.9.0.100/24", "dev", "eth0"]);
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["unset", "set", "unset"] })).ok);
	t.deepEqual(await addressesOf(a), own);
});

boxTest("what there was no room to write down is removed all the same by whoever set it", async (t) => {
	const { a } = await two(t);
	const asked = request(t, [virtual("10.9.0.100"), virtual("fd09::100")]);
	const folder = dirname(asked.record);
	mkdirSync(folder);
	// A disk that is full: it takes no file.
	t.is(spawnSync("mount", ["-t", "tmpfs", "-o", "nr_inodes=1", "opensafe-full", folder]).status, 0);
	try {
		const done = await ask<VipAnswer>(a, { ...asked, steps: ["set", "unset"] });
		t.true(done.ok, done.message);
		t.regex(done.log.join("\n"), /^W .*vip-m\.json could not be written: ENOSPC/m);
		t.deepEqual(await addressesOf(a), own);
	} finally {
		spawnSync("umount", ["-l", folder]);
	}
});

boxTest("an address that a stranger has is not taken, and the message names him", async (t) => {
	const { a, b, macs } = await two(t);
	for (const [addr, prefix] of [
		["10.9.0.100", 24],
		["fd09::100", 64],
	] as const) {
		const asked = request(t, [virtual("10.9.0.101"), virtual(addr)]);
		await b.network("ip", ["addr", "add", `${addr}/${prefix}`, "dev", "eth0", ...(prefix === 64 ? ["nodad"] : [])]);
		const refused = await ask<VipAnswer>(a, { ...asked, steps: ["set"] });
		t.is(refused.code, "VIP_TAKEN");
		t.true(refused.message?.includes(addr) && refused.message.includes(macs[1]), refused.message);
		t.deepEqual(await addressesOf(a), own, "all or nothing");
		// The control: without the stranger the same request succeeds.
		await b.network("ip", ["addr", "del", `${addr}/${prefix}`, "dev", "eth0"]);
		t.true((await ask<VipAnswer>(a, { ...asked, steps: ["set", "unset"] })).ok);
	}
});

boxTest(
	"an address that the peer lets go a moment later is waited for; one that it keeps is taken from it",
	async (t) => {
		const { a, b } = await two(t);
		const asked = request(t, [virtual("10.9.0.100")], { peerAddresses: ["192.0.2.9", "10.9.0.2"] });
		await b.network("ip", ["addr", "add", "10.9.0.100/24", "dev", "eth0"]);
		const taken = await ask<VipAnswer>(a, { ...asked, steps: ["set", "unset"] });
		t.true(taken.ok, taken.message);
		t.true(taken.tookMs >= 1000);
		t.regex(taken.log[0] ?? "", /^W Virtual IP 10\.9\.0\.100 is taken over from/);
		const waiting = ask<VipAnswer>(a, { ...asked, peerAddresses: [], steps: ["set"] });
		await sleep(1000);
		await b.network("ip", ["addr", "del", "10.9.0.100/24", "dev", "eth0"]);
		t.true((await waiting).ok);
	},
);

boxTest("an address that somebody else configured on this machine is left alone", async (t) => {
	const { a } = await two(t);
	const asked = request(t, [virtual("10.9.0.1")]);
	t.is((await ask<VipAnswer>(a, { ...asked, steps: ["set"] })).code, "VIP_LOCAL");
	t.is((await ask<VipAnswer>(a, { ...asked, steps: ["unset"] })).ok, true);
	t.deepEqual(await addressesOf(a), own);
});

boxTest("no interface for the address, no such interface, no such name: each says what is missing", async (t) => {
	const { a } = await two(t);
	const code = async (address: VirtualAddress) => ask<VipAnswer>(a, { ...request(t, [address]), steps: ["set"] });
	const far = await code(virtual("172.31.0.9"));
	t.is(far.code, "VIP_INTERFACE");
	t.regex(far.message ?? "", /172\.31\.0\.9.*eth0 10\.9\.0\.1\/24/);
	t.is((await code(virtual("10.9.0.100", { interface: "eth7" }))).code, "VIP_INTERFACE");
	t.is((await code(virtual("no-such-host.invalid"))).code, "VIP_NAME");
});

boxTest("where=one_side: outgoing connections use the address, and the routes survive its removal", async (t) => {
	const { a } = await two(t);
	await a.network("ip", ["route", "add", "default", "via", "10.9.0.2"]);
	const asked = request(t, [virtual("10.9.0.100", { where: "one_side" })]);
	const source = async (to: string) => /src (\S+)/.exec(await a.network("ip", ["route", "get", to]))?.[1];
	t.is(await source("10.9.0.2"), "10.9.0.1");
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["set"] })).ok);
	t.is(await source("10.9.0.2"), "10.9.0.100");
	t.is(await source("198.51.100.1"), "10.9.0.100");
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["unset"] })).ok);
	t.is(await source("10.9.0.2"), "10.9.0.1");
	t.is(await source("198.51.100.1"), "10.9.0.1");
});

boxTest(
	"on an interface that is down the address is set all the same, and the log says that nobody reaches it",
	async (t) => {
		const { a, b } = await two(t);
		await b.network("ip", ["link", "set", "eth0", "down"]);
		const asked = request(t, [virtual("10.9.0.100"), virtual("fd09::100")]);
		const set = await ask<VipAnswer>(a, { ...asked, steps: ["set"] });
		t.true(set.ok, set.message);
		t.is(set.log.filter((line) => /^W .* eth0 is down$/.test(line)).length, 2);
		t.deepEqual(await addressesOf(a), [...own, "10.9.0.100/24", "fd09::100/64"].sort());
		t.true((await ask<VipAnswer>(a, { ...asked, steps: ["unset"] })).ok);
		t.deepEqual(await addressesOf(a), own);
	},
);

boxTest("under a MAC address of its own: clients keep what they know, and nothing stays behind", async (t) => {
	const { a, b } = await two(t);
	const mac = "5a:fe:0a:09:00:64";
	const shared = { type: "vmac_invisible", mac } as const;
	const asked = request(t, [virtual("10.9.0.100", { shared }), virtual("fd09::100", { shared })], {
		peerAddresses: ["10.9.0.2", "fd09::2"],
	});
	const links = async () => (await a.network("ip", ["-br", "link"])).split("\n").map((line) => line.split(/\s/)[0]);
	const before = [await links(), await a.network("nft", ["list", "ruleset"])];
	const set = await ask<VipAnswer>(a, { ...asked, steps: ["set", "set"] });
	t.true(set.ok, set.message);
	for (const addr of ["10.9.0.100", "fd09::100"]) {
		t.true(await ask(b, { do: "ping", addr, timeoutMs: 3000 }));
		t.is(await neighbour(b, addr), mac);
	}
	for (const addr of ["10.9.0.1", "fd09::1"]) {
		await b.network("ip", ["neigh", "flush", "all"]);
		t.true(await ask(b, { do: "ping", addr, timeoutMs: 3000 }));
		t.not(await neighbour(b, addr), mac, "the server's own address stays where it is");
	}
	// The peer takes it over while this server still answers, without waiting, since it is no stranger.
	const peer = await ask<VipAnswer>(b, { ...asked, record: `${asked.record}2`, steps: ["set", "unset"] });
	t.true(peer.ok, peer.message);
	t.false(peer.log.some((line) => line.includes("taken over")));
	t.true((await ask<VipAnswer>(a, { ...asked, steps: ["unset", "unset"] })).ok);
	t.deepEqual([await links(), await a.network("nft", ["list", "ruleset"])], before);
	t.deepEqual(await addressesOf(a), own);
});

boxTest("tcpreset: clients learn at once that their server is gone", async (t) => {
	const { a, b } = await two(t);
	const asked = request(t, [virtual("10.9.0.100")]);
	for (const tcpreset of [true, false]) {
		const ready = `${asked.record}.ready`;
		rmSync(ready, { force: true });
		const served = ask<VipAnswer>(a, { ...asked, do: "serve", vip: { ...asked.vip, tcpreset }, ready });
		while (!existsSync(ready)) await sleep(50);
		const ended = await ask<string>(b, { do: "client", addr: "10.9.0.100" });
		t.true((await served).ok);
		// The control: without the reset the client waits for nothing.
		t.is(ended, tcpreset ? "ECONNRESET" : "open");
	}
});

const iface = (name: string, up: boolean, ...addresses: [string, number][]): LocalInterface => ({
	name,
	index: 1,
	mac: "02:00:00:00:00:01",
	up,
	loopback: false,
	addresses: addresses.map(([addr, prefix]) => ({ addr, prefix, family: addr.includes(":") ? 6 : 4, label: "" })),
});

test("the interface is the one that is up and whose network is the narrowest", (t) => {
	const all = [
		iface("wide", true, ["10.0.0.1", 8]),
		iface("down", false, ["10.9.0.1", 24]),
		iface("near", true, ["10.9.0.3", 16], ["fd09::1", 64]),
	];
	const none = { interface: null, netmask: null };
	t.like(placeOf("10.9.0.100", none, all), { iface: { name: "near" }, prefix: 16 });
	t.like(placeOf("10.1.0.100", none, all), { iface: { name: "wide" }, prefix: 8 });
	t.like(placeOf("fd09::9", none, all), { iface: { name: "near" }, prefix: 64 });
	t.like(placeOf("10.9.0.100", { interface: "down", netmask: null }, all), { iface: { name: "down" }, prefix: 24 });
	t.like(placeOf("192.0.2.1", { interface: "near", netmask: "255.255.255.0" }, all), { prefix: 24 });
	t.is(placeOf("192.0.2.1", none, all), undefined);
	t.is(placeOf("192.0.2.1", { interface: "near", netmask: null }, all), undefined);
	t.is(prefixOfMask("255.255.240.0"), 20);
});

test("on the loopback interface an address stands alone: its network would become this machine's own", async (t) => {
	const directed = { type: "vmac_directed", mac: null } as const;
	const invisible = { type: "vmac_invisible", mac: "5a:fe:0a:00:00:64" } as const;
	const named = { interface: "near", netmask: "255.255.255.0" };
	const all = [iface("near", true, ["10.9.0.1", 16], ["fd09::1", 64])];
	const planned = await planAddresses(
		[
			virtual("10.0.0.100", { ...named, shared: directed }),
			virtual("10.9.0.100", { shared: directed }),
			virtual("fd09::100", { shared: directed }),
			virtual("10.0.0.101", { ...named, shared: invisible }),
			virtual("10.0.0.102", named),
		],
		1,
		all,
		[],
	);
	t.deepEqual(
		planned.map((one) => `${one.addr}/${one.prefix} ${one.iface}`),
		["10.0.0.100/32 lo", "10.9.0.100/32 lo", "fd09::100/128 lo", "10.0.0.101/24 sk1v0", "10.0.0.102/24 near"],
	);
});

/** A machine of which only `interfaces` is there; what is done to it is said. */
function machine(interfaces: LocalInterface[]): { system: AddressSystem; done: string[] } {
	const done: string[] = [];
	const does =
		(what: string) =>
		async (...said: unknown[]): Promise<void> =>
			void done.push(`${what} ${said.slice(0, 2).join(" ")}`);
	const system = {
		interfaces: async () => interfaces,
		remove: does("remove"),
		removeLink: does("removeLink"),
		filter: does("filter"),
		resetConnections: async () => {},
	} as Partial<AddressSystem> as AddressSystem;
	return { system, done };
}

test("tables and addresses without a label are known by whoever noted them, until they are removed", async (t) => {
	const folder = makeTestFolder("vip");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	writeFileSync(join(folder, "run"), "a file in place of the folder");
	const lo = { ...iface("lo", true, ["127.0.0.1", 8], ["fd09::100", 128]), loopback: true };
	const { system, done } = machine([lo]);
	const log: string[] = [];
	const record = join(folder, "run/vip-m.json");
	const holding = new Holding({ id: 1, tcpreset: false, system, record, log: (level) => log.push(level) });
	const held = { addresses: [{ iface: "lo", addr: "fd09::100", prefix: 128 }], links: [], filter: true };
	await holding.note(held);
	t.deepEqual(log, ["W"]);
	t.deepEqual(await holding.find([lo]), held);
	rmSync(join(folder, "run"));
	await holding.removeAll();
	t.is(done[0], "remove lo fd09::100");
	t.regex(done[1] ?? "", /^filter .*opensafe_1/s);
	t.deepEqual(await holding.find([lo]), { addresses: [], links: [], filter: false });
});

test("a peer that cluster.xml names by a name is recognised; a name that means nothing is ignored", async (t) => {
	// A host's name may mean either.
	const eth0 = iface("eth0", true, ["127.0.0.1", 8], ["::1", 128]);
	const peerMac = "02:00:00:00:00:02";
	const system = { whoHas: async () => peerMac } as Partial<AddressSystem> as AddressSystem;
	const candidate = { iface: eth0, addr: "127.0.0.100", friends: [] };
	t.is(await awaitFree(system, candidate, ["no-such-host.invalid", "localhost"]), peerMac);
	await t.throwsAsync(awaitFree(system, candidate, ["no-such-host.invalid"]), { code: "VIP_TAKEN" });
});
