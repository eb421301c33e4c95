import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import fc from "fast-check";
import { addressBytes, arpOwner, neighbourOwner } from "../../core/platform/linux/frames.ts";
import { messagesOf } from "../../core/platform/linux/netlink.ts";
import type { LocalInterface } from "../../core/vip/addresses.ts";
import { ask, boxTest, neighbour, two } from "./two.ts";

test("addresses as bytes, in every spelling", (t) => {
	t.is(addressBytes("10.9.0.255").toString("hex"), "0a0900ff");
	t.is(addressBytes("::").toString("hex"), "0".repeat(32));
	t.is(addressBytes("fe80::1%eth0").toString("hex"), `fe80${"0".repeat(27)}1`);
	t.is(addressBytes("::ffff:10.0.0.1").toString("hex"), `${"0".repeat(20)}ffff0a000001`);
	t.is(addressBytes("1:2:3:4:5:6:7:8").toString("hex"), "00010002000300040005000600070008");
});

test("an answer of the kernel that is cut off is none", (t) => {
	const whole = Buffer.alloc(40);
	whole.writeUInt32LE(20, 0);
	whole.writeUInt32LE(16, 20);
	t.deepEqual(
		messagesOf(whole).map(({ body }) => body.length),
		[4, 0],
	);
	t.throws(() => messagesOf(whole.subarray(0, 19)), { message: /cut off/ });
	whole.writeUInt32LE(32, 20);
	t.throws(() => messagesOf(whole), { message: /cut off/ });
	whole.writeUInt32LE(0, 20);
	t.throws(() => messagesOf(whole), { message: /cut off/ });
});

test("no frame makes the readers throw", (t) => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
			const frame = Buffer.from(raw);
			arpOwner(frame, "10.9.0.1", "02:00:00:00:00:01");
			neighbourOwner(frame, "fd09::1", "02:00:00:00:00:01");
		}),
	);
	t.pass();
});

boxTest("with a cable that is plugged in again IPv6 neighbours cannot be asked for at once", async (t) => {
	const { a } = await two(t);
	// Long enough for a look on a busy machine.
	await a.network("sysctl", ["-q", "net.ipv6.conf.eth0.dad_transmits=4"]);
	const becomes = async (wanted: string): Promise<void> => {
		const end = performance.now() + 30_000;
		let found = "";
		while (performance.now() < end) {
			found = (await ask<string[]>(a, { do: "tentative" })).join(" ");
			if (found === wanted) break;
			await sleep(50);
		}
		t.is(found, wanted);
	};
	await becomes("");
	await a.network("ip", ["link", "set", "eth0", "down"]);
	await becomes("");
	await a.network("ip", ["link", "set", "eth0", "up"]);
	await becomes("eth0");
	await becomes("");
});

boxTest("interfaces are read with their addresses", async (t) => {
	const { a, macs } = await two(t);
	const interfaces = await ask<LocalInterface[]>(a, { do: "interfaces" });
	const [lo, eth0] = ["lo", "eth0"].map((name) => interfaces.find((each) => each.name === name));
	t.like(lo, { loopback: true, mac: "", up: true });
	t.like(eth0, { loopback: false, mac: macs[0], up: true });
	t.deepEqual(
		eth0?.addresses
			.filter(({ addr }) => !addr.startsWith("fe80"))
			.map(({ addr, prefix, family }) => [addr, prefix, family]),
		[
			["10.9.0.1", 24, 4],
			["fd09::1", 64, 6],
		],
	);
});

boxTest("whoever has an address is found by a probe, which leaves no trace with him", async (t) => {
	const { a, b, macs } = await two(t);
	for (const [mine, theirs, free] of [
		["10.9.0.1", "10.9.0.2", "10.9.0.77"],
		["fd09::1", "fd09::2", "fd09::77"],
	] as const) {
		t.is(await ask(a, { do: "whoHas", addr: theirs, timeoutMs: 3000 }), macs[1]);
		t.is(await ask(a, { do: "whoHas", addr: free, timeoutMs: 200 }), null);
		t.is(await ask(a, { do: "whoHas", addr: mine, timeoutMs: 200 }), null, "one's own address is nobody else's");
		t.is(await neighbour(b, mine), undefined);
	}
});

boxTest("an announcement moves an address in the neighbours' tables", async (t) => {
	const { a, b, macs } = await two(t);
	for (const addr of ["10.9.0.50", "fd09::50"]) {
		await b.network("ip", ["neigh", "replace", addr, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "stale"]);
		t.is(await neighbour(b, addr), "02:00:00:00:00:99");
		await ask(a, { do: "announce", addr });
		t.is(await neighbour(b, addr), macs[0]);
	}
});

boxTest("an echo request reaches who is there, and only him", async (t) => {
	const { a, b } = await two(t);
	t.true(await ask(a, { do: "ping", addr: "10.9.0.2", timeoutMs: 3000 }));
	t.true(await ask(a, { do: "ping", addr: "fd09::2", timeoutMs: 3000 }));
	t.false(await ask(a, { do: "ping", addr: "10.9.0.99", timeoutMs: 300 }));
	t.false(await ask(a, { do: "ping", addr: "192.0.2.1", timeoutMs: 300 }), "no route");
	await b.network("ip", ["link", "set", "eth0", "down"]);
	t.false(await ask(a, { do: "ping", addr: "10.9.0.2", timeoutMs: 300 }));
});
